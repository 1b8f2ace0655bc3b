"""What people do with finished pictures, over the real job service."""

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from bot.jobs.values import CancelledEvent, Completed, Failed, Ticket
from bot.library.results import (
    STRONG_STRENGTH,
    SUBTLE_STRENGTH,
    SUBTLE_VARIATION,
    Actor,
    StoredPicture,
)
from data.jobs.pictures import PictureRecord
from pipeline.card import QualityPreset
from pipeline.errors import RefusedError
from pipeline.rating import Rating
from pipeline.request import GenerationRequest, decided
from tests.bot.conftest import Harness, open_harness, origin
from tests.support.fake_engine import FakeEngine

REQUEST = GenerationRequest(
    prompt="1girl, smile", seed=7, aspect="1:1", preset=QualityPreset.LIGHT_31, count=2
)
OWNER = Actor(user_id=1, guild_id=10, channel_id=100)


async def drawn(
    harness: Harness,
    request: GenerationRequest = REQUEST,
    user_id: int = 1,
    *,
    replay: bool = False,
) -> list[StoredPicture]:
    """The finished pictures of a request."""
    ticket = await harness.jobs.submit(request, origin(user_id), replay=replay)
    ended = await harness.ended(ticket.job.id)
    assert isinstance(ended, Completed), ended
    return [await harness.results.picture(picture.id) for picture in ended.pictures]


def files_of(folder: Path) -> set[str]:
    return {path.stem for path in folder.rglob("*.png")}


async def test_a_picture_and_a_job_are_found_by_their_ids(harness: Harness) -> None:
    first, second = await drawn(harness)
    job, pictures = await harness.results.pictures_of(first.job.id)
    assert (job, pictures) == (first.job, (first.picture, second.picture))
    assert await harness.results.show(f" {job.id.upper()} ") == (job, pictures)
    assert await harness.results.show(second.picture.id) == (job, (second.picture,))
    with pytest.raises(RefusedError, match="picture_unknown"):
        await harness.results.picture("nothing")
    for look in (harness.results.pictures_of, harness.results.show):
        with pytest.raises(RefusedError, match="job_unknown"):
            await look("nothing")


async def test_who_may_see_and_delete_what(harness: Harness) -> None:
    (public,) = await drawn(harness, GenerationRequest(prompt="x"))
    private = replace(public.job, private=True)
    message = replace(public.job, guild_id=None)
    stranger = Actor(user_id=2, guild_id=10, channel_id=100)
    moderator = replace(stranger, is_moderator=True)
    elsewhere = replace(moderator, guild_id=11)
    in_message = Actor(user_id=2, guild_id=None, channel_id=5, is_moderator=True)
    owner_elsewhere = replace(OWNER, guild_id=None)
    see, delete = harness.results.may_see, harness.results.may_delete
    for actor, job, sees, deletes in (
        (OWNER, public.job, True, True),
        (owner_elsewhere, private, True, True),
        (OWNER, message, True, True),
        (stranger, public.job, True, False),
        (stranger, private, False, False),
        (moderator, private, True, True),
        (elsewhere, public.job, False, False),
        (in_message, public.job, False, False),
        (in_message, message, False, False),
    ):
        assert (see(actor, job), delete(actor, job)) == (sees, deletes), (actor, job)


async def test_a_reroll_is_the_same_request_with_another_seed(harness: Harness) -> None:
    first, _ = await drawn(harness)
    again = harness.results.reroll(first.job)
    settled = decided(first.job.request)
    assert again == replace(
        first.job.request.original,
        **{**settled, "aspect": "1024x1024", "seed": None, "source": first.job.id},
    )
    assert (again.rating, again.num_inference_steps, again.count) == (Rating.SAFE, 3, 2)
    second, _ = await drawn(harness, again)
    assert second.job.request == replace(
        first.job.request, seed=second.job.request.seed, original=second.job.request.original
    )
    assert second.job.request.seed != 7


async def test_a_subtle_variation_bends_the_pictures_own_noise(harness: Harness) -> None:
    _, second = await drawn(harness)
    request = harness.results.vary(second, strong=False)
    (varied,) = await drawn(harness, request)
    request = varied.job.request
    assert (request.seed, request.variation_strength, request.count) == (8, SUBTLE_VARIATION, 1)
    assert request.init_picture == ""
    assert varied.picture.content_hash != second.picture.content_hash
    again = harness.results.reroll(varied.job)
    assert (again.seed, again.variation_seed, again.variation_strength) == (
        8,
        None,
        SUBTLE_VARIATION,
    )


async def test_a_strong_variation_begins_from_the_picture(harness: Harness) -> None:
    first, _ = await drawn(harness)
    (varied,) = await drawn(harness, harness.results.vary(first, strong=True))
    request = varied.job.request
    assert (request.init_picture, request.strength) == (first.picture.content_hash, STRONG_STRENGTH)
    assert (request.width, request.height, request.count) == (1024, 1024, 1)
    subtle = harness.results.vary(varied, strong=False)
    assert (subtle.init_picture, subtle.strength) == (varied.picture.content_hash, SUBTLE_STRENGTH)
    assert subtle.variation_strength is None


async def test_an_upscaled_picture_is_larger_and_once_is_enough(tmp_path: Path) -> None:
    async with open_harness(tmp_path, engine=FakeEngine(scale=1)) as harness:
        first, _ = await drawn(harness)
        (large,) = await drawn(harness, harness.results.upscale(first))
        assert (large.picture.width, large.picture.height) == (1536, 1536)
        assert large.picture.seed == first.picture.seed
        with pytest.raises(RefusedError, match="already_upscaled"):
            harness.results.upscale(large)
        assert harness.results.remix(large.job).init_picture is None
        (varied,) = await drawn(harness, harness.results.vary(large, strong=True))
        assert (varied.picture.width, varied.picture.height) == (1024, 1024)


async def test_what_begins_from_a_picture_keeps_its_rating(harness: Harness) -> None:
    """Else a picture of an open channel could be shown, upscaled, in a strict one."""
    first, _ = await drawn(harness)
    stored = replace(
        first, job=replace(first.job, request=replace(first.job.request, rating=Rating.SENSITIVE))
    )
    for request in (harness.results.upscale(stored), harness.results.vary(stored, strong=True)):
        with pytest.raises(RefusedError, match="rating_above_ceiling"):
            await harness.jobs.submit(request, origin(2))


async def test_a_remix_starts_from_the_request(harness: Harness) -> None:
    first, _ = await drawn(harness)
    assert harness.results.remix(first.job) == replace(
        first.job.request.original, seed=None, source=first.job.id
    )


async def test_marks_are_set_and_found(harness: Harness) -> None:
    first, second = await drawn(harness)
    ids = [first.picture.id, second.picture.id]
    for on, expected in (
        (True, frozenset({first.picture.id})),
        (False, frozenset[str]()),
        (True, frozenset({first.picture.id})),
    ):
        turned = await harness.results.toggle_favourite(user_id=1, picture_id=first.picture.id)
        assert turned is on
        assert await harness.results.favourites_among(user_id=1, picture_ids=ids) == expected
    with pytest.raises(RefusedError, match="picture_unknown"):
        await harness.results.toggle_favourite(user_id=1, picture_id="nothing")


async def test_presses_that_come_at_once_count_one_by_one(harness: Harness) -> None:
    first, _ = await drawn(harness)
    presses = [harness.results.toggle_favourite(user_id=1, picture_id=first.picture.id)
               for _ in range(7)]  # fmt: skip
    assert await asyncio.gather(*presses) == [True, False, True, False, True, False, True]


async def test_history_has_pages(harness: Harness) -> None:
    first, second = await drawn(harness)
    harness.clock.advance(5)
    (later,) = await drawn(harness, GenerationRequest(prompt="night"))
    await drawn(harness, GenerationRequest(prompt="night"), 2)
    pages = [await harness.results.history(user_id=1, page=page, page_size=2) for page in range(3)]
    assert [[entry.picture.id for entry in page.entries] for page in pages] == [
        [later.picture.id, first.picture.id],
        [second.picture.id],
        [],
    ]
    assert {page.total for page in pages} == {3}
    found = await harness.results.history(user_id=1, words="NIGHT", page=0, page_size=5)
    assert [entry.job.id for entry in found.entries] == [later.job.id]


async def test_deleting_removes_rows_and_files_and_leaves_the_quota_used(
    harness: Harness, tmp_path: Path
) -> None:
    first, _ = await drawn(harness)
    await harness.results.toggle_favourite(user_id=2, picture_id=first.picture.id)
    with pytest.raises(RefusedError, match="not_your_picture"):
        await harness.results.delete(first.job.id, actor=replace(OWNER, user_id=2))
    deleted = await harness.results.delete(first.job.id, actor=OWNER)
    assert deleted.id == first.job.id
    assert files_of(tmp_path) == set()
    assert (await harness.jobs.limits_of(user_id=1)).hour.used == 2
    assert (
        await harness.results.favourites_among(user_id=2, picture_ids=[first.picture.id]) == set()
    )
    with pytest.raises(RefusedError, match="job_unknown"):
        await harness.results.delete(first.job.id, actor=OWNER)


async def test_an_open_job_is_cancelled_not_deleted(harness: Harness) -> None:
    harness.engine.hold()
    ticket = await harness.jobs.submit(REQUEST, origin())
    with pytest.raises(RefusedError, match="job_open"):
        await harness.results.delete(ticket.job.id, actor=OWNER)


async def test_a_file_that_two_pictures_share_stays_for_the_other(harness: Harness) -> None:
    first, _ = await drawn(harness)
    second, _ = await drawn(harness)
    assert first.picture.content_hash == second.picture.content_hash
    await harness.results.delete(first.job.id, actor=OWNER)
    assert await harness.jobs.read_picture(second.picture)
    await harness.results.delete(second.job.id, actor=OWNER)
    with pytest.raises(Exception, match="picture_missing"):
        await harness.jobs.read_picture(second.picture)


@pytest.mark.parametrize("end", ["finish", "cancel"])
async def test_a_deleted_picture_stays_until_what_begins_from_it_has_ended(
    harness: Harness, tmp_path: Path, end: str
) -> None:
    first, _ = await drawn(harness)
    harness.engine.hold()
    request = harness.results.vary(first, strong=True)
    ticket = await harness.jobs.submit(request, origin(2))
    await harness.results.delete(first.job.id, actor=OWNER)
    assert files_of(tmp_path) == {first.picture.content_hash}
    with pytest.raises(RefusedError, match="init_picture_gone"):
        await harness.jobs.submit(request, origin(3))
    if end == "cancel":
        await harness.jobs.cancel(job_id=ticket.job.id, user_id=2)
    harness.engine.release()
    ended = await harness.ended(ticket.job.id)
    made: tuple[PictureRecord, ...] = ()
    if end == "cancel":
        assert isinstance(ended, CancelledEvent)
    else:
        assert isinstance(ended, Completed)
        made = ended.pictures
    await harness.jobs.stop()  # files that are of no use have gone by then
    assert files_of(tmp_path) == {picture.content_hash for picture in made}


async def test_deleting_and_beginning_at_once_never_lose_a_needed_file(harness: Harness) -> None:
    """Either the job is refused, or it finds its picture."""
    for number in range(12):
        first, _ = await drawn(harness, replace(REQUEST, seed=number * 10))
        request = harness.results.vary(first, strong=True)
        deleting = harness.results.delete(first.job.id, actor=OWNER)
        submitting = harness.jobs.submit(request, origin(2))
        order = (deleting, submitting) if number % 2 else (submitting, deleting)
        results = await asyncio.gather(*order, return_exceptions=True)
        ticket = results[1] if number % 2 else results[0]
        if isinstance(ticket, RefusedError):
            assert ticket.key == "init_picture_gone"
        else:
            assert isinstance(ticket, Ticket), ticket
            assert isinstance(await harness.ended(ticket.job.id), Completed)


async def test_a_job_whose_picture_file_is_lost_fails_with_a_word(
    harness: Harness, tmp_path: Path
) -> None:
    first, _ = await drawn(harness)
    harness.files.pictures.delete(first.picture.content_hash)
    ticket = await harness.jobs.submit(harness.results.vary(first, strong=True), origin(2))
    failed = await harness.ended(ticket.job.id)
    assert isinstance(failed, Failed)
    assert failed.error.key == "init_picture_missing"
    assert (await harness.jobs.limits_of(user_id=2)).hour.used == 0
    connection = sqlite3.connect(tmp_path / "test.db")
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    finally:
        connection.close()

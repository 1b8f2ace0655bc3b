"""The check of finished pictures: what is withheld, what it costs, and what a crash may not do."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL.Image import Image

from bot.jobs.keep.housekeeping import Housekeeping
from bot.jobs.values import Completed, Failed, JobEvent
from bot.safety.ceiling import Place, PlaceKind
from bot.safety.output import Verdict, WithheldReason, judge, minor_coded
from data.guilds import audit, blocks, guild_settings, place_settings
from data.guilds.audit import AuditKind
from data.guilds.server_settings import GuildSettings
from data.jobs import checks, pictures, quota, withheld
from data.jobs.withheld import WithheldRecord
from data.people import web_sessions
from data.store.connection import Connection
from pipeline.rating import Rating
from pipeline.request import GenerationRequest, ResolvedRequest
from pipeline.tagger.tagging import Tagging
from tests.bot.conftest import Harness, open_harness, origin
from tests.support.patience import until
from tests.support.tagger import PaintEngine, make_tagger

ADULT_PLACE = Place(kind=PlaceKind.GUILD_TEXT, age_restricted=True)


def a_tagging(rating: Rating, **general: float) -> Tagging:
    one, two, three, four = (float(each is rating) for each in Rating)
    return Tagging(ratings=(one, two, three, four), general=general, characters={})


@pytest.mark.parametrize("ceiling", Rating)
@pytest.mark.parametrize("seen", Rating)
def test_above_the_ceiling_is_withheld_and_nothing_else(seen: Rating, ceiling: Rating) -> None:
    verdict = judge(a_tagging(seen, apple=1), ceiling=ceiling, minor=frozenset({"child"}))
    assert (verdict.reason is WithheldReason.RATING) == (seen > ceiling)
    assert verdict.reason in {None, WithheldReason.RATING}


@pytest.mark.parametrize(
    ("seen", "ceiling", "score", "reason"),
    [
        (Rating.SAFE, Rating.EXPLICIT, 0.9, None),
        (Rating.SENSITIVE, Rating.EXPLICIT, 0.2, WithheldReason.MINOR),
        (Rating.SENSITIVE, Rating.NSFW, 0.2, WithheldReason.MINOR),
        (Rating.SENSITIVE, Rating.NSFW, 0.19, None),
        (Rating.SENSITIVE, Rating.SENSITIVE, 0.9, None),  # nothing more is possible there
        (Rating.SENSITIVE, Rating.SAFE, 0.9, WithheldReason.RATING),
        (Rating.NSFW, Rating.SAFE, 0.2, WithheldReason.MINOR),  # so that it is kept for nobody
        (Rating.EXPLICIT, Rating.EXPLICIT, 0.2, WithheldReason.MINOR),
        (Rating.EXPLICIT, Rating.SENSITIVE, 0.19, WithheldReason.RATING),
    ],
)
def test_the_hard_rule(
    seen: Rating, ceiling: Rating, score: float, reason: WithheldReason | None
) -> None:
    verdict = judge(a_tagging(seen, child=score), ceiling=ceiling, minor=frozenset({"child"}))
    hits = {"child": score} if reason is WithheldReason.MINOR else {}
    assert verdict == Verdict(reason=reason, hits=hits)


def test_a_taggers_minor_coded_tags_are_those_that_prompts_may_not_name() -> None:
    tags = [
        "loli", "shota", "oppai_loli", "onee-shota", "child", "female_child", "male_child", "baby",
        "aged_down", "age_regression", "kindergarten_uniform", "randoseru", "toddler", "mesugaki",
        "hololive", "lolita_fashion", "childhood_friends", "kid_icarus", "aizawa_shota",
        "school_uniform", "1girl", "nude", "mature_female",
    ]  # fmt: skip
    assert minor_coded(tags) == frozenset(tags[:14])


@pytest.fixture(scope="session")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tagger(tmp_path_factory.mktemp("model") / "tagger")


@pytest.fixture
async def checked(tmp_path: Path, tagger: Path) -> AsyncGenerator[Harness, None]:
    async with open_harness(tmp_path, engine=PaintEngine(), tagger=tagger) as harness:
        yield harness


async def allow(harness: Harness, ceiling: Rating) -> None:
    async with harness.database.transaction() as connection:
        await place_settings.set_ratings(
            connection, scope="guild", id=10, guild_id=10, ceiling=ceiling, default=None
        )


async def turn_review_on(harness: Harness) -> None:
    async with harness.database.transaction() as connection:
        await guild_settings.put(connection, guild_id=10, settings=GuildSettings(review=True))


async def paint(
    harness: Harness, *colours: str, place: Place = ADULT_PLACE, rating: Rating | None = None
) -> tuple[str, JobEvent]:
    prompt = ", ".join(f"{colour}-picture" for colour in colours)
    request = GenerationRequest(prompt=prompt, count=len(colours), rating=rating)
    ticket = await harness.jobs.submit(request, origin(place=place))
    return ticket.job.id, await harness.ended(ticket.job.id)


async def held(harness: Harness, job_id: str) -> list[WithheldRecord]:
    async with harness.database.reader() as connection:
        return await withheld.of_job(connection, job_id=job_id)


async def used(harness: Harness) -> float:
    return (await harness.jobs.limits_of(user_id=1)).day.used


def stored(harness: Harness) -> list[str]:
    """Every file there is."""
    folders = (harness.files.pictures, harness.files.withheld, harness.files.uploads)
    return sorted(
        f"{each.folder.name}/{file.stem}" for each in folders for file in each.folder.rglob("*.png")
    )


async def test_what_fits_is_stored_with_what_was_seen(checked: Harness) -> None:
    _, end = await paint(checked, "green")
    assert isinstance(end, Completed)
    (picture,) = end.pictures
    async with checked.database.reader() as connection:
        seen = await checks.get(connection, picture_id=picture.id)
    assert seen is not None
    assert (seen.rating, picture.rating) == (Rating.SAFE, Rating.SAFE)
    assert "1girl" in seen.tags
    assert seen.tagger.startswith("model")
    assert await used(checked) == 1


async def test_a_picture_counts_as_what_it_shows_not_as_what_was_asked(checked: Harness) -> None:
    await allow(checked, Rating.EXPLICIT)
    _, end = await paint(checked, "red")
    assert isinstance(end, Completed)
    assert end.pictures[0].rating is Rating.EXPLICIT


@pytest.mark.parametrize("colour", ["blue", "yellow", "red"])
async def test_above_the_ceiling_nothing_is_left_and_nothing_counts(
    checked: Harness, colour: str
) -> None:
    job_id, end = await paint(checked, colour)
    assert isinstance(end, Failed)
    assert end.error.key == "withheld_rating"
    assert stored(checked) == []
    assert await used(checked) == 0
    (record,) = await held(checked, job_id)
    assert (record.state, record.reason, record.ceiling) == ("deleted", "rating", Rating.SAFE)
    assert record.seen is not None
    async with checked.database.reader() as connection:
        (entry,) = await audit.page(
            connection, guild_id=10, kinds=[AuditKind.WITHHELD], offset=0, limit=9
        )
        assert await pictures.of_job(connection, job_id=job_id) == []
    assert entry.details["ceiling"] == "safe"
    assert entry.user_id == 1


async def test_the_others_of_a_job_are_delivered_and_the_rest_given_back(checked: Harness) -> None:
    job_id, end = await paint(checked, "green", "red", "teal", "blue")
    assert isinstance(end, Completed)
    assert [picture.position for picture in end.pictures] == [0, 2]
    assert end.withheld == 2
    assert await used(checked) == 2
    assert [record.position for record in await held(checked, job_id)] == [1, 3]
    history = await checked.results.history(user_id=1, page=0, page_size=10)
    assert history.total == 2


async def test_where_review_is_on_the_file_waits_apart(checked: Harness) -> None:
    await turn_review_on(checked)
    job_id, end = await paint(checked, "red")
    assert isinstance(end, Failed)
    (record,) = await held(checked, job_id)
    assert record.state == "waiting"
    assert stored(checked) == [f"withheld/{record.content_hash}"]
    await checked.files.sweep()
    assert stored(checked) == [f"withheld/{record.content_hash}"]
    housekeeping = Housekeeping(checked.files, checked.clock)
    checked.clock.advance(31 * 86400)
    await housekeeping.clean()
    assert stored(checked) == []
    assert [each.state for each in await held(checked, job_id)] == ["discarded"]


async def test_a_damaged_row_that_waits_keeps_no_other_from_being_cleaned(checked: Harness) -> None:
    await turn_review_on(checked)
    damaged, _ = await paint(checked, "red")
    job_id, _ = await paint(checked, "red")
    async with checked.database.transaction() as connection:
        await connection.execute("PRAGMA ignore_check_constraints = ON")
        await connection.execute("UPDATE withheld SET reason = 'odd' WHERE job_id = ?", (damaged,))
        await connection.execute("PRAGMA ignore_check_constraints = OFF")
    housekeeping = Housekeeping(checked.files, checked.clock)
    checked.clock.advance(31 * 86400)
    await housekeeping.clean()
    assert stored(checked) == []
    assert [each.state for each in await held(checked, job_id)] == ["discarded"]
    assert await held(checked, damaged) == []


async def test_what_can_not_be_cleaned_keeps_nothing_else_from_it(
    checked: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(connection: Connection, **_: float) -> None:
        await connection.execute("SELECT nothing")

    await turn_review_on(checked)
    await paint(checked, "red")
    for module in (quota, audit, blocks, web_sessions):
        monkeypatch.setattr(module, "expire", broken)
    housekeeping = Housekeeping(checked.files, checked.clock)
    checked.clock.advance(31 * 86400)
    await housekeeping.clean()
    assert stored(checked) == []


async def test_a_hit_of_the_hard_rule_is_deleted_at_once_even_with_review(checked: Harness) -> None:
    await turn_review_on(checked)
    await allow(checked, Rating.EXPLICIT)
    job_id, end = await paint(checked, "rose")
    assert isinstance(end, Failed)
    assert end.error.key == "withheld_minor"
    assert stored(checked) == []
    (record,) = await held(checked, job_id)
    assert (record.state, record.reason, record.picture) == ("deleted", "minor", None)
    async with checked.database.reader() as connection:
        (entry,) = await audit.page(
            connection, guild_id=10, kinds=[AuditKind.WITHHELD], offset=0, limit=9
        )
    assert entry.details["tags"] == ["loli"]
    _, fine = await paint(checked, "teal")  # a child, and nothing but general
    assert isinstance(fine, Completed)


async def test_a_ceiling_that_is_lowered_meanwhile_counts(checked: Harness) -> None:
    await allow(checked, Rating.EXPLICIT)
    checked.engine.hold()
    request = GenerationRequest(prompt="red-picture", rating=Rating.EXPLICIT)
    ticket = await checked.jobs.submit(request, origin(place=ADULT_PLACE))
    await allow(checked, Rating.SENSITIVE)
    checked.engine.release()
    assert isinstance(await checked.ended(ticket.job.id), Failed)


async def test_a_tagger_that_fails_withholds_and_tells_the_operator(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = make_tagger(tmp_path / "model" / "tagger", broken=True)
    async with open_harness(tmp_path, engine=PaintEngine(), tagger=broken) as harness:
        await turn_review_on(harness)
        job_id, end = await paint(harness, "green")
        assert isinstance(end, Failed)
        assert end.error.key == "withheld_unchecked"
        assert stored(harness) == []
        assert await used(harness) == 0
        (record,) = await held(harness, job_id)
        assert (record.seen, record.state) == (None, "deleted")
    assert "could not be checked" in caplog.text


async def test_a_tagger_that_can_not_be_loaded_ends_the_bot(tmp_path: Path) -> None:
    folder = make_tagger(tmp_path / "tagger")
    (folder / "model.onnx").write_bytes(b"half")
    async with open_harness(tmp_path, tagger=folder) as harness:
        with pytest.raises(Exception, match="tagger_unreadable"):
            await harness.jobs.failure


async def test_with_a_tagger_moderators_may_allow_more(checked: Harness, harness: Harness) -> None:
    for each, rating in ((checked, Rating.EXPLICIT), (harness, Rating.SENSITIVE)):
        await allow(each, Rating.EXPLICIT)
        ceiling, _ = await each.jobs.ceiling(place=ADULT_PLACE, guild_id=10, channel_id=100)
        assert ceiling.rating is rating


async def test_after_a_restart_a_withheld_picture_is_not_drawn_again(
    tmp_path: Path, tagger: Path
) -> None:
    engine = PaintEngine()
    async with open_harness(tmp_path, engine=engine, tagger=tagger) as harness:
        request = GenerationRequest(prompt="red-picture, green-picture", count=2)
        ticket = await harness.jobs.submit(request, origin())
        while not await held(harness, ticket.job.id):
            await asyncio.sleep(0.005)
            if len(engine.drawn) == 1:
                engine.hold()
    again = PaintEngine()
    async with open_harness(tmp_path, engine=again, tagger=tagger) as harness:
        end = await harness.ended(ticket.job.id)
        assert isinstance(end, Completed)
        assert (len(end.pictures), end.withheld) == (1, 1)
        assert len(again.drawn) <= 1
        assert await used(harness) == 1


async def test_cancelling_gives_everything_back_and_leaves_no_file(
    checked: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await turn_review_on(checked)
    paint_one = checked.engine.picture

    def hold_the_second(request: ResolvedRequest, index: int, image: Image | None) -> Image:
        if index == 1:
            checked.engine.hold()
        return paint_one(request, index, image)

    monkeypatch.setattr(checked.engine, "picture", hold_the_second)
    request = GenerationRequest(prompt="red-picture, green-picture", count=2)
    ticket = await checked.jobs.submit(request, origin())
    while not await held(checked, ticket.job.id):
        await asyncio.sleep(0.002)
    await checked.jobs.cancel(job_id=ticket.job.id, user_id=1)
    checked.engine.release()
    assert await used(checked) == 0
    await until(lambda: not (stored(checked)))  # the second picture may be on its way to the disk


async def test_forgetting_a_person_takes_withheld_pictures_along(checked: Harness) -> None:
    await turn_review_on(checked)
    job_id, _ = await paint(checked, "red", "green")
    assert len(stored(checked)) == 2
    await checked.people.forget(1)
    assert stored(checked) == []
    assert await held(checked, job_id) == []


async def test_an_unfinished_picture_is_shown_only_where_it_fits(checked: Harness) -> None:
    job_id, _ = await paint(checked, "green")
    job = await checked.jobs.job(job_id)
    assert job is not None
    request = replace(job.request, prompt="red-picture")
    for prompt, shown in (("red-picture", False), ("green-picture", True)):
        picture = PaintEngine().picture(replace(request, prompt=prompt), 0, None)
        assert await checked.jobs.may_preview(job, picture) is shown

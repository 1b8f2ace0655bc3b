"""Faces that are drawn again count as what they are, once that is known."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from bot.jobs.values import CancelledEvent, Completed, Failed, Progress
from bot.library.redrawing import faces_redrawn
from data.jobs import quota_grants
from data.jobs.quota_grants import OVERALL
from data.jobs.stored import StoredPicture
from pipeline.canvas import Box
from pipeline.engine.protocol import Engine
from pipeline.errors import InputError, RefusedError
from pipeline.faces.found import Face
from pipeline.faces.second_pass import SecondPass
from pipeline.request import GenerationRequest
from pipeline.rework import MAX_FACES
from pipeline.speed.cost import WHOLE, face_cost, held_for_faces
from tests.bot.conftest import GENEROUS, Harness, open_harness, origin
from tests.support.fake_engine import FakeEngine
from tests.support.parameters import read_parameters
from tests.support.patience import until

REQUEST = GenerationRequest(prompt="1girl", seed=7, faces=True)


class Found:
    """Says how many faces each picture has, one after the other."""

    def __init__(self, *counts: int) -> None:
        self._counts = list(counts)

    def find(self, image: Image.Image) -> list[Face]:
        del image
        boxes = [Box(left=2 + 12 * at, top=10, right=10 + 12 * at, bottom=18) for at in range(4)]
        return [Face(box=box, score=1.0) for box in boxes[: self._counts.pop(0)]]


@asynccontextmanager
async def drawing(
    folder: Path, *counts: int, per_hour: int = 0
) -> AsyncGenerator[tuple[Harness, FakeEngine]]:
    """A bot whose pictures have `counts` small faces."""
    engine = FakeEngine()
    loads: Sequence[Callable[[], Engine]] = [lambda: SecondPass(engine, Found(*counts))]
    limits = replace(GENEROUS, pictures_per_hour=per_hour)
    async with open_harness(folder, engine=engine, loads=loads, limits=limits) as harness:
        await until(lambda: harness.jobs.runner.engines.model)
        yield harness, engine


async def used(harness: Harness) -> int:
    """Hundredths of a picture."""
    return round(100 * (await harness.jobs.limits_of(user_id=1)).hour.used)


async def test_the_most_is_taken_at_first_and_what_was_not_needed_given_back(
    tmp_path: Path,
) -> None:
    async with drawing(tmp_path, 2) as (harness, engine):
        engine.hold()
        ticket = await harness.jobs.submit(REQUEST, origin())
        one = face_cost(ticket.job.request)
        assert held_for_faces(ticket.job.request) == MAX_FACES * one
        assert await used(harness) == WHOLE + MAX_FACES * one
        engine.release()
        completed = await harness.ended(ticket.job.id)
        assert isinstance(completed, Completed)
        (picture,) = completed.pictures
        assert picture.faces == 2
        assert await used(harness) == WHOLE + 2 * one
        assert engine.drawn[0][1] == 7
        text = read_parameters(await harness.jobs.read_picture(picture))
        assert text is not None
        assert "Faces: true" in text
        limits = await harness.jobs.limits_of(user_id=1)
        assert limits.face is not None


async def test_a_picture_without_small_faces_costs_nothing_more(tmp_path: Path) -> None:
    async with drawing(tmp_path, 0) as (harness, _):
        ticket = await harness.jobs.submit(REQUEST, origin())
        completed = await harness.ended(ticket.job.id)
        assert isinstance(completed, Completed)
        assert completed.pictures[0].faces == 0
        assert await used(harness) == WHOLE


async def test_several_pictures_count_the_faces_of_all(tmp_path: Path) -> None:
    async with drawing(tmp_path, 3, 0, 1) as (harness, _):
        ticket = await harness.jobs.submit(replace(REQUEST, count=3), origin())
        assert isinstance(await harness.ended(ticket.job.id), Completed)
        one = face_cost(ticket.job.request)
        assert 3 * WHOLE + 4 * one <= await used(harness) < 3 * WHOLE + 4 * one + 3


async def test_a_cancelled_one_costs_nothing(tmp_path: Path) -> None:
    async with drawing(tmp_path, 2) as (harness, engine):
        engine.hold()
        ticket = await harness.jobs.submit(REQUEST, origin())
        await harness.jobs.cancel(job_id=ticket.job.id, user_id=1)
        engine.release()
        assert isinstance(await harness.ended(ticket.job.id), CancelledEvent)
        assert await used(harness) == 0


async def test_progress_says_which_face_is_drawn(tmp_path: Path) -> None:
    async with drawing(tmp_path, 2) as (harness, engine):
        engine.hold()
        ticket = await harness.jobs.submit(REQUEST, origin())
        mailbox = await harness.jobs.watch(ticket.job.id)
        assert mailbox is not None
        engine.release()
        told: set[tuple[int, int]] = set()
        event = None
        while not isinstance(event, Completed):
            event = await mailbox.newer(event)
            if isinstance(event, Progress):
                told.add((event.face, event.faces))
        assert told <= {(0, 0), (1, 2), (2, 2)}


async def test_faces_of_a_picture_that_is_there(tmp_path: Path) -> None:
    async with drawing(tmp_path, 1, 0) as (harness, _):
        plain = await harness.jobs.submit(replace(REQUEST, faces=None), origin())
        completed = await harness.ended(plain.job.id)
        assert isinstance(completed, Completed)
        stored = StoredPicture(job=plain.job, picture=completed.pictures[0])
        request = faces_redrawn(stored)
        ticket = await harness.jobs.submit(request, origin(), replay=True)
        after = await harness.ended(ticket.job.id)
        assert isinstance(after, Completed)
        (picture,) = after.pictures
        assert (picture.faces, picture.seed) == (1, 7)
        assert await used(harness) == WHOLE + face_cost(ticket.job.request)
        again = await harness.jobs.submit(request, origin(), replay=True)
        failed = await harness.ended(again.job.id)
        assert isinstance(failed, Failed)
        assert failed.error.key == "faces_not_found"
        assert await used(harness) == WHOLE + face_cost(ticket.job.request)


async def test_where_only_the_faces_are_too_many_that_is_said(tmp_path: Path) -> None:
    async with drawing(tmp_path, 0, per_hour=1) as (harness, _):
        with pytest.raises(RefusedError) as caught:
            await harness.jobs.submit(REQUEST, origin())
        assert caught.value.key == "quota_faces"
        assert await used(harness) == 0
        ticket = await harness.jobs.submit(replace(REQUEST, faces=None), origin())
        assert isinstance(await harness.ended(ticket.job.id), Completed)


async def test_what_faces_did_not_need_goes_back_to_a_grant_first(tmp_path: Path) -> None:
    async with drawing(tmp_path, 1, per_hour=1) as (harness, _):
        async with harness.database.transaction() as connection:
            await quota_grants.add(connection, guild_id=OVERALL, user_id=1, hundredths=200)
        ticket = await harness.jobs.submit(REQUEST, origin())
        one = face_cost(ticket.job.request)

        async def left() -> int:
            return await harness.database.read(quota_grants.left, guild_id=OVERALL, user_id=1)

        assert await left() == 200 - MAX_FACES * one
        assert isinstance(await harness.ended(ticket.job.id), Completed)
        assert await left() == 200 - one
        assert await used(harness) == WHOLE


async def test_without_a_finder_it_is_refused_before_anything_is_taken(tmp_path: Path) -> None:
    async with open_harness(tmp_path) as harness:
        await until(lambda: harness.jobs.runner.engines.model)
        with pytest.raises(InputError) as caught:
            await harness.jobs.submit(REQUEST, origin())
        assert caught.value.key == "faces_none"
        assert await used(harness) == 0
        assert (await harness.jobs.limits_of(user_id=1)).face is None

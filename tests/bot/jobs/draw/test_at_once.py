"""A device that draws several people's pictures at once, with the demo model."""

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot.config.engine_options import loaders_of
from bot.config.settings import Settings
from bot.jobs.draw import device
from bot.jobs.draw.worker import EngineWorker
from bot.jobs.values import CancelledEvent, Completed, Failed
from data.shipped.paths import DEMO_MODEL
from pipeline.engine import joint
from pipeline.engine.protocol import Engine, SlotLoader
from pipeline.engine.rows import Row
from pipeline.engine.slots import SharedEngine
from pipeline.errors import EngineError, ModelError
from pipeline.request import GenerationRequest, ResolvedRequest
from tests.bot.conftest import Harness, open_harness, origin
from tests.pipeline.own_model import Quiet, open_own
from tests.support.patience import PATIENCE_S, until

WIDE = "1344x768"


def small(request: ResolvedRequest) -> ResolvedRequest:
    """A sixteenth of a square picture, which takes a sixteenth of the time; a ninth of others."""
    part = 4 if request.width == request.height else 3
    return replace(request, width=request.width // part, height=request.height // part)


class Card:
    """The demo model on a device with `slots` slots. No step runs before `wanted` pictures have
    begun. `failures`: what each of the next steps raises; None: nothing. `losing`: the prompt whose
    picture the device does not survive."""

    def __init__(self, *, slots: int, wanted: int = 1) -> None:
        self._slots, self.wanted = slots, wanted
        self.begun: list[str] = []
        self.runs: list[int] = []
        self.begun_runs = 0
        self.loaded = 0
        self.failures: list[Exception | None] = []
        self.losing = ""
        self._changed = threading.Condition()
        self.shared = SharedEngine(self._load)

    def _load(self) -> Any:
        self.loaded += 1
        engine = self.engine = open_own(DEMO_MODEL, at_once=self._slots)
        begin, step = engine.begin, engine.step
        losing: list[Row] = []

        def noted(request: ResolvedRequest, index: int, **images: Any) -> Row:
            row = begin(small(request), index, **images)
            with self._changed:
                self.begun.append(request.original.prompt)
                self._changed.notify_all()
            if request.original.prompt == self.losing:
                losing.append(row)
            return row

        def held(rows: Sequence[Row]) -> None:
            with self._changed:
                self.begun_runs += 1
                assert self._changed.wait_for(
                    lambda: len(self.begun) >= self.wanted, timeout=PATIENCE_S
                )
            failure = self.failures.pop(0) if self.failures else None
            if any(row is one for row in rows for one in losing):
                failure = EngineError("device_lost", problem="illegal memory access")
            if failure is not None:
                raise failure
            self.runs.append(len(rows))
            step(rows)

        engine.begin, engine.step = noted, held  # type: ignore[method-assign]
        return engine

    def want(self, pictures: int) -> None:
        """Steps go on when so many have begun."""
        with self._changed:
            self.wanted = pictures
            self._changed.notify_all()

    def open(self, folder: Path) -> AbstractAsyncContextManager[Harness]:
        """The job service that draws with it."""
        return open_harness(folder, loads=[SlotLoader(self.shared.open)])


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs wait for rows that can join as long as it takes: what joins depends on no clock."""
    monkeypatch.setattr(joint, "GATHER_SHARE", 1e12)
    monkeypatch.setattr(joint, "GATHER_S", PATIENCE_S)


def asks(prompt: str, **changes: Any) -> GenerationRequest:
    return replace(GenerationRequest(prompt=prompt, seed=5, aspect="1:1"), **changes)


def states(harness: Harness) -> list[str]:
    return [worker.state for worker in harness.jobs.runner.engines.workers]


async def test_two_peoples_pictures_share_steps_and_are_what_they_are_alone(tmp_path: Path) -> None:
    card = Card(slots=2, wanted=2)
    async with card.open(tmp_path) as harness:
        first = await harness.jobs.submit(asks("1girl"), origin(1))
        await until(lambda: card.begun_runs)
        tickets = [first, await harness.jobs.submit(asks("night sky"), origin(2))]
        ends = [await harness.ended(ticket.job.id) for ticket in tickets]
        assert card.runs == [1, 2, 2, 1], "the first step began before the second picture"
        for ticket, end in zip(tickets, ends, strict=True):
            assert isinstance(end, Completed)
            [picture] = end.pictures
            stored = harness.files.pictures.read(picture.content_hash)
            request = ticket.job.request.single(0)
            alone = card.engine.draw(request, 0, Quiet())
            assert stored_pixels(stored) == alone.image.tobytes()
    assert card.loaded == 1


def stored_pixels(png: bytes) -> bytes:
    return Image.open(BytesIO(png)).convert("RGB").tobytes()


async def test_free_slots_go_to_people_in_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, given, draw = Card(slots=2, wanted=3), list[str](), EngineWorker.draw

    def noted(worker: EngineWorker, request: ResolvedRequest, *more: Any, **options: Any) -> Any:
        given.append(request.original.prompt)  # in the loop: threads begin as the system likes
        return draw(worker, request, *more, **options)

    monkeypatch.setattr(EngineWorker, "draw", noted)
    async with card.open(tmp_path) as harness:
        await until(lambda: states(harness) == ["ready", "ready"])
        tickets = [
            await harness.jobs.submit(asks("one", count=3), origin(1)),
            await harness.jobs.submit(asks("two"), origin(2)),
            await harness.jobs.submit(asks("three"), origin(3)),
        ]
        card.want(2)
        for ticket in tickets:
            assert isinstance(await harness.ended(ticket.job.id), Completed)
    assert given[:2] in (["one", "one"], ["one", "two"])
    assert "three" in given[:4]
    assert given[-1] == "one"


async def test_a_cancel_of_one_leaves_the_other(tmp_path: Path) -> None:
    card = Card(slots=2, wanted=3)
    async with card.open(tmp_path) as harness:
        gone = await harness.jobs.submit(asks("gone", num_inference_steps=20), origin(1))
        stays = await harness.jobs.submit(asks("stays"), origin(2))
        await until(lambda: len(card.begun) == 2)
        await harness.jobs.cancel(job_id=gone.job.id, user_id=1)
        card.want(2)
        assert isinstance(await harness.ended(gone.job.id), CancelledEvent)
        assert isinstance(await harness.ended(stays.job.id), Completed)
    assert len(card.runs) < 10


async def test_what_can_not_share_steps_waits_for_its_turn(tmp_path: Path) -> None:
    card = Card(slots=2, wanted=3)
    async with card.open(tmp_path) as harness:
        await until(lambda: states(harness) == ["ready", "ready"])
        tall = await harness.jobs.submit(asks("tall"), origin(1))
        await until(lambda: card.begun == ["tall"])
        wide = await harness.jobs.submit(asks("wide", aspect=WIDE), origin(2))
        other = await harness.jobs.submit(asks("other"), origin(3))
        await until(lambda: card.begun == ["tall", "other"])
        view = await harness.jobs.queue_view(2)
        assert (view.running, view.waiting) == (2, 1)
        card.want(2)
        for ticket in (tall, wide, other):
            assert isinstance(await harness.ended(ticket.job.id), Completed)
    assert card.begun == ["tall", "other", "wide"]


async def test_a_failure_concerns_one_person(tmp_path: Path) -> None:
    """Of a joint step: each row is tried alone, and one fails again."""
    bad = EngineError("inference_failed", problem="a bad row")
    card = Card(slots=2, wanted=2)
    card.failures = [None, bad, bad]
    async with card.open(tmp_path) as harness:
        tickets = [await harness.jobs.submit(asks(f"{user}"), origin(user)) for user in (1, 2)]
        ends = [await harness.ended(ticket.job.id) for ticket in tickets]
    assert sorted(type(end).__name__ for end in ends) == ["Completed", "Failed"]


async def test_a_lost_device_is_opened_again_by_all_its_slots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "PAUSES_S", (0.01, 0.01))
    card = Card(slots=2, wanted=2)
    card.failures = [None, EngineError("device_lost", problem="fallen off the bus")]
    async with card.open(tmp_path) as harness:
        tickets = [await harness.jobs.submit(asks(f"{user}"), origin(user)) for user in (1, 2)]
        for ticket in tickets:
            assert isinstance(await harness.ended(ticket.job.id), Completed)
        await until(lambda: states(harness) == ["ready", "ready"])
    assert card.loaded == 2


async def test_who_loses_the_device_again_and_again_takes_nobody_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was drawn beside a lost picture may be to blame: it is drawn alone the next time."""
    monkeypatch.setattr(device, "PAUSES_S", (0.01, 0.01))
    card = Card(slots=3, wanted=3)
    card.losing = "bad"
    async with card.open(tmp_path) as harness:
        await until(lambda: states(harness) == ["ready"] * 3)
        asked = ("good", "bad", "fine")
        tickets = [
            await harness.jobs.submit(asks(prompt), origin(user))
            for user, prompt in enumerate(asked, 1)
        ]
        ends = [await harness.ended(ticket.job.id) for ticket in tickets]
    assert [type(end) for end in ends] == [Completed, Failed, Completed]


async def test_a_slot_rests_where_memory_ran_out(tmp_path: Path) -> None:
    card = Card(slots=4, wanted=4)
    async with card.open(tmp_path) as harness:
        await until(lambda: states(harness) == ["ready"] * 4)
        session = card.engine.session
        run: Callable[..., Any] = session.run

        def bounded(inputs: Any, *rest: Any, **bound: Any) -> Any:
            if len(inputs["sample"]) > 4:
                raise EngineError("out_of_memory", problem="four rows at most")
            return run(inputs, *rest, **bound)

        session.run = bounded  # type: ignore[method-assign]
        tickets = [await harness.jobs.submit(asks(f"{user}"), origin(user)) for user in range(4)]
        for ticket in tickets:
            assert isinstance(await harness.ended(ticket.job.id), Completed)
        await until(lambda: states(harness) == ["ready", "ready", "resting", "resting"])
        assert len(harness.jobs.runner.engines.devices) == 2


async def test_the_next_slot_draws_when_the_first_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory ran out, and the only slot with room could not be opened again."""
    monkeypatch.setattr(device, "PAUSES_S", (0.01,))
    card = Card(slots=2)

    def opened(number: int) -> Engine:
        if number == 0 and card.loaded:
            raise ModelError("model_does_not_fit", name="unet")
        return card.shared.open(number)

    async with open_harness(tmp_path, loads=[SlotLoader(opened)]) as harness:
        await until(lambda: states(harness) == ["ready", "ready"])
        ticket = await harness.jobs.submit(asks("one"), origin(1))
        assert isinstance(await harness.ended(ticket.job.id), Completed)
        first = harness.jobs.runner.engines.workers[0]
        card.failures = [EngineError("device_lost", problem="fallen off the bus")]
        ticket = await harness.jobs.submit(asks("two"), origin(1))
        assert isinstance(await harness.ended(ticket.job.id), Completed)
        await until(lambda: first.state == "gone")
        card.engine._at_once = 1  # pyright: ignore[reportPrivateUsage] - memory runs out
        ticket = await harness.jobs.submit(asks("three"), origin(1))
        assert isinstance(await harness.ended(ticket.job.id), Completed)


@pytest.mark.parametrize(
    ("changes", "together"),
    [
        ({"provider": "cpu"}, False),
        ({"provider": "cpu", "draw_at_once": 2}, True),
        ({"provider": "cuda"}, True),
        ({"provider": "cuda", "draw_at_once": 1}, False),
        ({"provider": "cuda", "engine": "stock"}, False),
    ],
)
def test_a_processor_draws_one_picture_at_a_time_unless_told_otherwise(
    changes: dict[str, Any], together: bool
) -> None:
    loads = loaders_of(Settings(device_id=(0, 1), model="demo", **changes), progress=print)
    assert [isinstance(load, SlotLoader) for load in loads] == [together] * 2


async def test_with_several_devices_each_has_its_own_slots(tmp_path: Path) -> None:
    cards = [Card(slots=2), Card(slots=3)]
    loads = [SlotLoader(card.shared.open) for card in cards]
    async with open_harness(tmp_path, loads=loads) as harness:
        workers = harness.jobs.runner.engines.workers
        await until(lambda: len(workers) == 5 and set(states(harness)) == {"ready"})
        assert sorted((worker.device, worker.slot) for worker in workers) == [
            ("local/0", 0), ("local/0", 1), ("local/1", 0), ("local/1", 1), ("local/1", 2),
        ]  # fmt: skip
    assert [card.loaded for card in cards] == [1, 1]


async def test_the_setting_gives_a_processor_its_slots(tmp_path: Path) -> None:
    """What the bot itself loads: the engine with its second pass, for each slot."""
    lines: list[str] = []
    settings = Settings(model="demo", provider="cpu", draw_at_once=2, data_dir=tmp_path, threads=1)
    loads = loaders_of(settings, progress=lines.append)
    async with open_harness(tmp_path, loads=loads) as harness:
        await until(lambda: states(harness) == ["ready", "ready"])
        model = harness.jobs.runner.engines.model
        assert model is not None
        assert model.faces
    assert lines[-1].endswith("is ready, and draws up to 2 pictures at once")
    assert sum("is ready" in line for line in lines) == 1

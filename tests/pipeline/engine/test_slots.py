"""Several pictures drawn at once by one engine, each in a thread: the same pictures as alone."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from pipeline.card import Sampler, Speed
from pipeline.engine import joint
from pipeline.engine.own import OwnEngine
from pipeline.engine.protocol import DrawnPicture
from pipeline.engine.slots import SharedEngine, Slot
from pipeline.errors import Cancelled, EngineError, ModelError
from pipeline.lora.adapter import input_name
from pipeline.lora.use import LoraUse
from pipeline.request import ResolvedRequest
from tests.pipeline.lora.adapters import write
from tests.pipeline.own_model import Quiet, make_request, open_own
from tests.support.patience import PATIENCE_S

SLOTS = 6
SIZE = {"width": 256, "height": 256}
REQUESTS = [
    make_request(**SIZE, prompt="1girl, red hair", sampler=Sampler.EULER_A, seed=1),
    make_request(
        **SIZE, prompt="1boy, night", sampler=Sampler.DPM_2M_SDE_KARRAS, num_inference_steps=6
    ),
    make_request(**SIZE, prompt="sky", guidance_scale=1.0, sampler=Sampler.EULER, seed=3),
    make_request(**SIZE, prompt="[cat:dog:2]", sampler=Sampler.LCM, guidance_scale=1.5, seed=4),
    make_request(**SIZE, prompt="tree", speed=Speed.BALANCED, num_inference_steps=8, seed=5),
    make_request(**SIZE, prompt="a AND_NOT b", guidance_scale=9.0, num_inference_steps=3, seed=6),
]


@dataclass
class Meeting:
    """A watch that lets the first step begin when all have come to theirs. `cancel_at`: it stops
    after so many steps."""

    barrier: threading.Barrier
    cancel_at: int | None = None
    steps: list[int] = field(default_factory=list[int])
    previews: list[Image.Image | None] = field(default_factory=list[Image.Image | None])
    asked: int = 0

    def is_cancelled(self) -> bool:
        self.asked += 1
        if self.asked == 2:  # the first is before the row is made
            self.barrier.wait(PATIENCE_S)
        return self.cancel_at is not None and len(self.steps) >= self.cancel_at

    def on_step(self, step: int, steps: int, preview: Callable[[], Image.Image | None]) -> None:
        self.steps.append(step)
        if step == 1:
            self.previews.append(preview())


class Stopped(Quiet):
    """A watch of a picture that nobody wants any more."""

    def is_cancelled(self) -> bool:
        return True


class Loader:
    """Loads the demo model for `SLOTS` pictures at once, and counts how often."""

    def __init__(self, path: Path, loras: Path | None = None) -> None:
        self._path, self._loras = path, loras
        self.loaded: list[OwnEngine] = []

    def __call__(self) -> OwnEngine:
        self.loaded.append(open_own(self._path, loras=self._loras, at_once=SLOTS))
        return self.loaded[-1]


@pytest.fixture(scope="module")
def style(demo_path: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, LoraUse]:
    """A library with one LoRA, of random numbers."""
    folder = tmp_path_factory.mktemp("loras")
    engine = open_own(demo_path)
    random = torch.Generator().manual_seed(0)
    branch = engine.session.branch
    modules = [name.split("/", 1)[1].rsplit("/", 1)[0] for name in branch if name.endswith("/A")]
    tensors: dict[str, Any] = {}
    for module in modules[::3]:
        for matrix in ("A", "B"):
            shape = [
                side if isinstance(side, int) else 2
                for side in branch[input_name(module, matrix)].shape
            ]
            tensors[f"unet/{module}/{matrix}"] = 0.1 * torch.randn(shape, generator=random)
    engine.close()
    return folder, LoraUse(name="style", strength=1.0, digest=write(folder, tensors))


@pytest.fixture(scope="module")
def loader(demo_path: Path, style: tuple[Path, LoraUse]) -> Loader:
    return Loader(demo_path, style[0])


@pytest.fixture(scope="module")
def slots(loader: Loader) -> Iterator[list[Slot]]:
    shared = SharedEngine(loader)
    opened = [shared.open(number) for number in range(SLOTS)]
    yield opened
    for slot in opened:
        slot.close()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs wait for rows that can join as long as it takes: what joins depends on no clock."""
    monkeypatch.setattr(joint, "GATHER_SHARE", 1e12)
    monkeypatch.setattr(joint, "GATHER_S", PATIENCE_S)


def draw_all(
    slots: Sequence[Slot],
    requests: Sequence[ResolvedRequest],
    watches: Sequence[Meeting] | None = None,
) -> list[Any]:
    """Each in its thread: its picture or its error."""
    together = threading.Barrier(len(requests))
    watches = watches or [Meeting(together) for _ in requests]
    with ThreadPoolExecutor(len(requests)) as pool:
        calls = [
            pool.submit(slot.draw, request, 0, watch)
            for slot, request, watch in zip(slots, requests, watches, strict=False)
        ]
        return [call.exception(PATIENCE_S) or call.result() for call in calls]


def alone(loader: Loader, request: ResolvedRequest) -> bytes:
    """The picture that nothing else is drawn beside."""
    return loader.loaded[0].draw(request, 0, Quiet()).image.tobytes()


def differ(one: DrawnPicture, other: DrawnPicture) -> bool:
    return one.image.tobytes() != other.image.tobytes()


@pytest.mark.usefixtures("patient")
def test_different_peoples_pictures_are_the_same_as_alone(
    slots: list[Slot], loader: Loader
) -> None:
    drawn = draw_all(slots, REQUESTS)
    assert max(each.at_once for each in drawn) > 3, "they shared runs"
    for request, each in zip(REQUESTS, drawn, strict=True):
        assert each.image.tobytes() == alone(loader, request), request.prompt


@pytest.mark.usefixtures("patient")
def test_each_has_its_own_steps_and_previews(slots: list[Slot]) -> None:
    together = threading.Barrier(3)
    watches = [Meeting(together) for _ in range(3)]
    draw_all(slots, REQUESTS[:3], watches)
    assert [watch.steps for watch in watches] == [
        list(range(1, request.num_inference_steps + 1)) for request in REQUESTS[:3]
    ]
    seen = [watch.previews[0].tobytes() for watch in watches if watch.previews[0] is not None]
    assert len(set(seen)) == 3


@pytest.mark.usefixtures("patient")
def test_loras_and_sizes_are_kept_apart(
    slots: list[Slot], loader: Loader, style: tuple[Path, LoraUse]
) -> None:
    requests = [
        make_request(**SIZE, seed=1),
        make_request(**SIZE, seed=1, loras=(style[1],)),
        make_request(**SIZE, seed=2, loras=(style[1],)),
        make_request(width=256, height=320, seed=1),
    ]
    drawn = draw_all(slots, requests)
    assert [each.at_once for each in drawn] == [1, 2, 2, 1]
    assert differ(drawn[0], drawn[1])
    for request, each in zip(requests, drawn, strict=True):
        assert each.image.tobytes() == alone(loader, request)


@pytest.mark.usefixtures("patient")
def test_a_cancel_of_one_leaves_the_others(slots: list[Slot], loader: Loader) -> None:
    together = threading.Barrier(3)
    watches = [Meeting(together), Meeting(together, cancel_at=2), Meeting(together)]
    first, cancelled, last = draw_all(slots, REQUESTS[:3], watches)
    assert isinstance(cancelled, Cancelled)
    assert watches[1].steps == [1, 2]
    assert first.image.tobytes() == alone(loader, REQUESTS[0])
    assert last.image.tobytes() == alone(loader, REQUESTS[2])


@pytest.mark.usefixtures("patient")
def test_a_failure_of_one_leaves_the_others(
    slots: list[Slot], loader: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real one: numbers that are none in its latents, which the decoder refuses, and an error in
    the arithmetic of one row in the middle of a joint step."""
    engine = loader.loaded[0]
    begin = engine.begin

    def broken(request: ResolvedRequest, index: int, **images: Any) -> Any:
        row = begin(request, index, **images)
        if request.prompt == "nan":
            row.latents = np.full_like(row.latents, np.nan)
        if request.prompt == "arithmetic":
            row.guidance_scale = object()  # pyright: ignore[reportAttributeAccessIssue]
        return row

    monkeypatch.setattr(engine, "begin", broken)
    requests = [
        REQUESTS[0],
        make_request(**SIZE, prompt="nan"),
        make_request(**SIZE, prompt="arithmetic"),
        REQUESTS[1],
    ]
    drawn = draw_all(slots, requests)
    monkeypatch.undo()
    assert isinstance(drawn[1], EngineError)
    assert drawn[1].key == "picture_not_finite"
    assert isinstance(drawn[2], TypeError)
    assert drawn[0].image.tobytes() == alone(loader, requests[0])
    assert drawn[3].image.tobytes() == alone(loader, requests[3])


def test_the_model_is_loaded_once_and_freed_with_the_last_slot(demo_path: Path) -> None:
    loader = Loader(demo_path)
    shared = SharedEngine(loader)
    with ThreadPoolExecutor(3) as pool:
        opened = list(pool.map(shared.open, range(3)))
    [engine] = loader.loaded
    opened[0].close()
    opened[0].close()
    with pytest.raises(EngineError, match="engine_closed"):
        opened[0].draw(REQUESTS[0], 0, Quiet())
    assert opened[1].draw(make_request(**SIZE, num_inference_steps=1), 0, Quiet()).image
    opened[1].close()
    opened[2].close()
    with pytest.raises(EngineError, match="engine_closed"):
        engine.begin(REQUESTS[0], 0)
    shared.open(0).close()
    assert len(loader.loaded) == 2


def test_what_can_not_be_loaded_is_tried_again_by_the_next() -> None:
    tried: list[int] = []

    def load() -> OwnEngine:
        tried.append(1)
        raise ModelError("model_not_fetched")

    shared = SharedEngine(load)
    for _ in range(2):
        with pytest.raises(ModelError):
            shared.open(0)
    assert len(tried) == 2


def test_a_lost_device_is_loaded_again_and_lost_for_all(
    demo_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loader = Loader(demo_path)
    shared = SharedEngine(loader)
    one, other = shared.open(0), shared.open(1)

    def lost(*_: object, **__: object) -> None:
        raise EngineError("device_lost", problem="fallen off the bus")

    request = make_request(**SIZE, num_inference_steps=1)
    monkeypatch.setattr(loader.loaded[0], "finish", lost)
    with pytest.raises(EngineError, match="device_lost"):
        one.draw(request, 0, Quiet())
    assert one.is_lost
    assert other.is_lost
    one.close()
    again = shared.open(0)
    assert len(loader.loaded) == 2
    assert not again.is_lost
    with pytest.raises(EngineError, match="device_lost"):
        other.draw(request, 0, Quiet())
    with pytest.raises(Cancelled):
        other.draw(request, 0, Stopped())
    other.close()
    assert again.draw(request, 0, Quiet()).image
    again.close()
    with pytest.raises(EngineError, match="engine_closed"):
        loader.loaded[1].begin(request, 0)


def test_the_room_of_a_slot_that_is_gone_is_for_the_next(demo_path: Path) -> None:
    loader = Loader(demo_path)
    shared = SharedEngine(loader)
    opened = [shared.open(number) for number in range(3)]
    loader.loaded[0]._at_once = 1  # pyright: ignore[reportPrivateUsage] - memory ran out
    assert [slot.has_room for slot in opened] == [True, False, False]
    opened[0].close()
    assert [slot.has_room for slot in opened[1:]] == [True, False]
    for slot in opened:
        slot.close()


@pytest.mark.usefixtures("patient")
def test_memory_that_runs_out_halves_the_rows_and_loses_nothing(demo_path: Path) -> None:
    """The device has room for five rows of the UNet: four pictures with guidance are eight."""
    loader = Loader(demo_path)
    shared = SharedEngine(loader)
    opened = [shared.open(number) for number in range(4)]
    engine = loader.loaded[0]
    session = engine.session
    run, tried = session.run, list[int]()

    def bounded(inputs: Any, *rest: Any, **bound: Any) -> Any:
        tried.append(len(inputs["sample"]))
        if tried[-1] > 5:
            raise EngineError("out_of_memory", problem="five rows at most")
        return run(inputs, *rest, **bound)

    requests = [make_request(**SIZE, seed=seed, num_inference_steps=3) for seed in range(4)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "run", bounded)
        drawn = draw_all(opened, requests)
    assert max(tried) == 8
    assert tried.count(8) == 1, "it remembers"
    assert [slot.has_room for slot in opened] == [True, True, False, False]
    for request, each in zip(requests, drawn, strict=True):
        assert each.image.tobytes() == engine.draw(request, 0, Quiet()).image.tobytes()
    for slot in opened:
        slot.close()

"""Our loop over a small exported SDXL: joining rows, cancelling, sizes, imports."""

import dataclasses
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.card import UNLISTED_SAMPLERS, Sampler
from pipeline.engine.own import OwnEngine
from pipeline.engine.rows import Row
from pipeline.errors import Cancelled, EngineError
from pipeline.faces.second_pass import SecondPass
from pipeline.load import load_engine
from pipeline.model.options import EngineOptions
from pipeline.options import Option
from pipeline.request import DECIDED
from tests.pipeline.own_model import make_request, open_own

Preview = Callable[[], Image.Image | None]


class Recorder:
    """A watch that notes steps and cancels after `cancel_after` of them."""

    def __init__(self, cancel_after: int | None = None) -> None:
        self.steps: list[tuple[int, int]] = []
        self.previews: list[Preview] = []
        self.cancel_after = cancel_after

    def is_cancelled(self) -> bool:
        return self.cancel_after is not None and len(self.steps) >= self.cancel_after

    def on_step(self, step: int, steps: int, preview: Preview) -> None:
        self.steps.append((step, steps))
        self.previews.append(preview)


def in_groups(rows: Iterable[Row]) -> list[list[Row]]:
    """`rows` in groups that may share a run, in order of arrival."""
    groups: dict[tuple[int, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(row.shape, []).append(row)
    return list(groups.values())


def test_rows_that_join_and_leave_give_the_picture_they_give_alone(engine: OwnEngine) -> None:
    """Different people's rows: samplers, steps, guidance, seeds; arriving at different steps."""
    requests = [
        make_request(sampler=Sampler.EULER_A, num_inference_steps=6, seed=1),
        make_request(sampler=Sampler.DPM_2M_SDE_KARRAS, num_inference_steps=4, seed=2),
        make_request(sampler=Sampler.EULER, num_inference_steps=3, guidance_scale=1.0, seed=3),
        make_request(sampler=Sampler.LCM, num_inference_steps=4, guidance_scale=1.0, seed=4),
        make_request(sampler=Sampler.TCD, num_inference_steps=3, seed=5),
    ]
    alone = [engine.begin(request, 0) for request in requests]
    for row in alone:
        while not row.done:
            engine.step([row])

    together = [engine.begin(request, 0) for request in requests]
    sizes: list[int] = []
    for tick in range(20):
        running = [row for index, row in enumerate(together) if index <= tick and not row.done]
        for group in in_groups(running):
            engine.step(group)
            sizes.append(len(group))
    assert max(sizes) == len(requests)
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(other.latents, one.latents)


def test_rows_of_other_shapes_are_kept_apart(engine: OwnEngine) -> None:
    rows = [
        engine.begin(make_request(), 0),
        engine.begin(make_request(width=96, height=64), 0),
        engine.begin(make_request(prompt="girl, " * 60), 0),
        engine.begin(make_request(seed=9), 0),
    ]
    assert [len(group) for group in in_groups(rows)] == [2, 1, 1]
    with pytest.raises(ValueError, match="same shape"):
        engine.step(rows)


def test_the_same_request_gives_the_same_picture_whatever_came_before(engine: OwnEngine) -> None:
    first = engine.draw(make_request(), 0, Recorder()).image
    engine.draw(make_request(seed=77, sampler=Sampler.DDIM), 0, Recorder())
    assert engine.draw(make_request(), 0, Recorder()).image.tobytes() == first.tobytes()


@pytest.mark.parametrize(
    "option",
    [each for each in DECIDED if each.low is not None and each.field != "count"],
    ids=lambda each: each.field,
)
def test_every_number_of_the_table_changes_the_picture(engine: OwnEngine, option: Option) -> None:
    low = option.kind(option.low)
    one, other = (
        engine.draw(make_request(**{option.field: value}), 0, Recorder()).image
        for value in (low, low + 1)
    )
    assert one.tobytes() != other.tobytes()


def test_pictures_of_one_job_have_seeds_one_apart(engine: OwnEngine) -> None:
    second = engine.draw(make_request(seed=2**32 - 1), 1, Recorder())
    assert second.seed == 0
    assert (
        second.image.tobytes() == engine.draw(make_request(seed=0), 0, Recorder()).image.tobytes()
    )


@pytest.mark.parametrize("sampler", [Sampler.EULER_A, *sorted(UNLISTED_SAMPLERS)])
def test_steps_are_told_and_previews_wait_until_asked(engine: OwnEngine, sampler: Sampler) -> None:
    watch = Recorder()
    drawn = engine.draw(make_request(num_inference_steps=4, sampler=sampler), 0, watch)
    assert watch.steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert drawn.image.mode == "RGB"
    assert (drawn.image.width, drawn.image.height) == (64, 96)
    assert 0 < drawn.seconds_a_step < drawn.elapsed_s
    early, late = watch.previews[0](), watch.previews[-1]()
    assert early is not None
    assert late is not None
    assert (late.width, late.height) == (64, 96)
    assert early.tobytes() != late.tobytes()


@pytest.mark.parametrize("cancel_after", [0, 1, 3, 4])
def test_a_cancel_stops_at_the_next_step_and_never_decodes(
    engine: OwnEngine, monkeypatch: pytest.MonkeyPatch, cancel_after: int
) -> None:
    decoded: list[object] = []
    monkeypatch.setattr(engine, "finish", decoded.append)
    watch = Recorder(cancel_after)
    with pytest.raises(Cancelled):
        engine.draw(make_request(num_inference_steps=4), 0, watch)
    assert len(watch.steps) == cancel_after
    assert decoded == []


@pytest.mark.parametrize(("width", "height"), [(60, 96), (64, 100), (0, 64), (64, -32)])
def test_a_size_the_model_cannot_draw_is_refused(
    engine: OwnEngine, width: int, height: int
) -> None:
    with pytest.raises(EngineError) as caught:
        engine.draw(make_request(width=width, height=height), 0, Recorder())
    assert caught.value.key == "size_unfit"
    assert caught.value.data["multiple"] == engine.model.size_multiple


def test_numbers_that_are_none_are_an_error_not_a_black_picture(engine: OwnEngine) -> None:
    row = engine.begin(make_request(), 0)
    row.latents = np.full_like(row.latents, np.nan)
    with pytest.raises(EngineError) as caught:
        engine.finish(row)
    assert caught.value.key == "picture_not_finite"


def test_a_closed_engine_says_so(tiny_path: Path) -> None:
    engine = open_own(tiny_path)
    engine.close()
    engine.close()
    with pytest.raises(EngineError) as caught:
        engine.draw(make_request(), 0, Recorder())
    assert caught.value.key == "engine_closed"


def test_drawing_brings_no_torch(tiny_path: Path) -> None:
    """In a process of its own: load, draw with a preview, then look at what was imported."""
    code = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parents[3])!r})
from tests.pipeline.own_model import make_request, open_own
class Watch:
    def is_cancelled(self): return False
    def on_step(self, step, steps, preview): preview()
open_own(Path({str(tiny_path)!r})).draw(make_request(num_inference_steps=2), 0, Watch())
heavy = {{"torch", "diffusers", "transformers", "optimum", "scipy"}} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_loader_gives_this_engine(tiny_path: Path) -> None:
    options = EngineOptions(model=str(tiny_path), models_dir=tiny_path.parent, threads=1)
    engine = load_engine(dataclasses.replace(options, engine="own"), progress=lambda _: None)
    assert isinstance(engine, SecondPass)
    assert isinstance(engine.engine, OwnEngine)
    assert engine.model.engine == "own"

"""The stock engine: the reference. Cancels, repeats itself, and the libraries' traps."""

import dataclasses
import json
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.card import QualityPreset, Sampler
from pipeline.engine.protocol import Engine, Watch
from pipeline.errors import Cancelled, EngineError, ModelError
from pipeline.load import load_engine
from pipeline.model.options import EngineOptions
from pipeline.rating import Rating
from pipeline.request import GenerationRequest, ResolvedRequest

# diffusers 0.39 hands torch tensors to numpy.array, which numpy 2.4 warns about, and reads the
# encoders' config in a way it deprecates itself
pytestmark = [
    pytest.mark.usefixtures("stock_libraries"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Accessing config attribute:FutureWarning"),
]


class _Watch:
    def __init__(self, cancel_after: int | None = None) -> None:
        self.steps: list[tuple[int, int]] = []
        self._cancel_after = cancel_after

    def is_cancelled(self) -> bool:
        return self._cancel_after is not None and len(self.steps) >= self._cancel_after

    def on_step(self, step: int, steps: int, preview: Callable[[], Image.Image | None]) -> None:
        assert preview() is None
        self.steps.append((step, steps))


def request_of(sampler: Sampler = Sampler.EULER_A, *, seed: int = 7) -> ResolvedRequest:
    return ResolvedRequest(
        prompt="1girl, (smile:1.2)",
        negative_prompt="nsfw, [abstract]",
        width=192,
        height=128,
        preset=QualityPreset.NONE,
        rating=Rating.SAFE,
        sampler=sampler,
        num_inference_steps=4,
        guidance_scale=7.0,
        seed=seed,
        count=2,
        private=False,
        original=GenerationRequest(),
    )


def _load(path: Path) -> Engine:
    return load_engine(
        EngineOptions(
            model=str(path), models_dir=path.parent, engine="stock", provider="cpu", threads=1
        ),
        progress=lambda _: None,
    )


def _pixels(image: Image.Image) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(image)


@pytest.mark.parametrize("model", ["tiny_path", "tiny_v_path", "tiny_2024_path"])
def test_draws_the_same_again_and_another_for_the_next_seed(
    model: str, request: pytest.FixtureRequest
) -> None:
    engine = _load(request.getfixturevalue(model))
    watch: Watch = _Watch()
    first = engine.draw(request_of(), 0, watch)
    assert (first.image.mode, first.image.width, first.image.height) == ("RGB", 192, 128)
    assert first.seed == 7
    assert 0 < first.seconds_a_step < first.elapsed_s
    second = engine.draw(request_of(), 1, _Watch())
    assert second.seed == 8
    assert (_pixels(first.image) != _pixels(second.image)).any()
    again = engine.draw(request_of(seed=7), 0, _Watch())
    np.testing.assert_array_equal(_pixels(again.image), _pixels(first.image))
    engine.close()
    engine.close()
    with pytest.raises(EngineError):
        engine.draw(request_of(), 0, _Watch())


@pytest.mark.parametrize("sampler", Sampler)
def test_every_sampler_draws_and_counts_its_steps(sampler: Sampler, tiny_path: Path) -> None:
    engine, watch = _load(tiny_path), _Watch()
    engine.draw(request_of(sampler), 0, watch)
    assert watch.steps == [(step, 4) for step in (1, 2, 3, 4)]


def test_a_cancel_stops_at_the_next_step_and_decodes_nothing(tiny_path: Path) -> None:
    engine, watch = _load(tiny_path), _Watch(cancel_after=2)
    decoded = threading.Event()
    decoder = engine.engine._pipe.vae.decoder  # pyright: ignore  # the pipeline inside is what the test listens at

    def listen(*_: object, **__: object) -> None:
        decoded.set()

    decoder.forward = listen
    with pytest.raises(Cancelled):
        engine.draw(request_of(), 0, watch)
    assert len(watch.steps) == 2
    assert not decoded.is_set()
    with pytest.raises(Cancelled):
        engine.draw(request_of(), 0, _Watch(cancel_after=0))


def test_two_engines_in_two_threads_draw_what_one_draws(tiny_path: Path) -> None:
    """One pipeline object in two threads crashes; an engine is owned by one thread."""
    engines = [_load(tiny_path), _load(tiny_path)]
    alone = [engines[0].draw(request_of(), index, _Watch()).image for index in (0, 1)]
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(engines[i].draw, request_of(), i, _Watch()) for i in (0, 1)]
        together = [job.result().image for job in jobs]
    for ours, theirs in zip(together, alone, strict=True):
        np.testing.assert_array_equal(_pixels(ours), _pixels(theirs))


def test_a_failure_inside_the_libraries_is_an_engine_error(tiny_path: Path) -> None:
    engine = _load(tiny_path)
    odd = dataclasses.replace(request_of(), width=190)
    with pytest.raises(EngineError) as caught:
        engine.draw(odd, 0, _Watch())
    assert caught.value.key == "inference_failed"


@pytest.mark.parametrize("value", [None, [None, None], "left out"])
def test_optional_parts_may_be_null_or_left_out(
    value: object, tiny_path: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_path, folder)
    index = json.loads((folder / "model_index.json").read_text())
    for name in ("feature_extractor", "image_encoder", "tokenizer", "scheduler", "vae_encoder"):
        index.pop(name, None)
        if value != "left out":
            index[name] = value
    (folder / "model_index.json").write_text(json.dumps(index))
    pictures = [_load(path).draw(request_of(), 0, _Watch()).image for path in (folder, tiny_path)]
    np.testing.assert_array_equal(_pixels(pictures[0]), _pixels(pictures[1]))


def test_a_repository_that_was_not_fetched_is_said_without_the_hub(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        load_engine(
            EngineOptions(model="nobody/nothing", models_dir=tmp_path, engine="stock"),
            progress=lambda _: None,
        )
    assert caught.value.key == "model_not_fetched"


def test_the_description_tells_no_path(tiny_path: Path) -> None:
    model = _load(tiny_path).model
    assert str(tiny_path.parent) not in repr(model)
    assert (model.engine, model.provider, model.precision) == (
        "stock",
        "CPUExecutionProvider",
        "fp32",
    )
    assert "noise" in model.notice

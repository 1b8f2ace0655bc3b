"""What goes between the bot and another machine comes out as it went in."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bot.hosts import differences, wire
from bot.hosts.device_actor import options_from_json, options_to_json
from pipeline.engine.protocol import Expected
from pipeline.errors import Cancelled, EngineError, InputError, ModelError
from pipeline.model.options import EngineOptions
from tests.support.fake_engine import FAKE_MODEL


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "1", "LA"])
def test_a_picture_keeps_every_pixel(mode: str) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (19, 23, 3), dtype=np.uint8)
    image = Image.fromarray(pixels).convert(mode)
    back = wire.decoded(wire.encoded(image))
    assert back.mode == mode
    assert back.convert("RGBA").tobytes() == image.convert("RGBA").tobytes()


@pytest.mark.parametrize("kind", [EngineError, ModelError, InputError])
def test_an_error_arrives_with_its_data(kind: type[EngineError]) -> None:
    sent = wire.Failure.of(kind("out_of_memory", width=8, path=Path("x"), nothing=None))
    error = pickle.loads(pickle.dumps(sent)).error()
    assert type(error) is kind
    assert (error.key, error.data) == ("out_of_memory", {"width": 8, "path": "x", "nothing": None})


def test_what_is_no_error_of_ours_is_told_apart() -> None:
    assert wire.Failure.of(Cancelled()).kind == "cancelled"
    broken = wire.Failure.of(MemoryError("x"))
    assert (broken.kind, broken.problem) == ("broken", "MemoryError: x")


def test_a_description_of_another_version_is_read() -> None:
    sent = wire.described(FAKE_MODEL) | {
        "news": 1,
        "expected": {"row_step_s": 1.0, "beside_s": 2.0},
    }
    assert wire.description_of(sent).expected == Expected(row_step_s=1.0, beside_s=2.0)
    assert wire.description_of(wire.described(FAKE_MODEL)) == FAKE_MODEL


@given(
    model=st.text(max_size=30), threads=st.none() | st.integers(0, 99), device=st.integers(0, 63)
)
def test_options_go_through_the_environment(model: str, threads: int | None, device: int) -> None:
    options = EngineOptions(
        model=model, models_dir=Path("models"), threads=threads, device_id=device, variant="int8"
    )
    text = options_to_json([options, options])
    assert json.loads(text)
    assert options_from_json(text, 1) == options


def test_what_differs_is_said() -> None:
    about = {"ekaki": "0.1.0", "python": "3.11.2"}
    assert "it has Ekaki 0.1.0, the bot has 0.2.0" in differences.of_versions(about, ekaki="0.2.0")
    other = differences.of_versions({"ekaki": "1", "python": "2.7.18"}, ekaki="1")
    assert "it has Python 2.7" in other
    assert "the bot has Ekaki" not in other
    assert differences.of_models(FAKE_MODEL, None) == ""
    assert differences.of_models(FAKE_MODEL, FAKE_MODEL) == ""
    with_branch = replace(FAKE_MODEL, loras=True)
    assert differences.of_models(with_branch, replace(FAKE_MODEL, loras=False)) == ""
    assert "--no-lora" in differences.of_models(replace(FAKE_MODEL, loras=False), with_branch)

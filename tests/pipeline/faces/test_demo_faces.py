"""The demo model's own finder, and a face that it draws again."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.card import PRESETS, QualityPreset
from pipeline.faces.cascade import CascadeFinder
from pipeline.faces.cascade_file import read_cascade
from pipeline.faces.second_pass import SecondPass
from pipeline.faces.sources import find_faces
from pipeline.rework import FACE_STRENGTH
from tests.pipeline.own_model import Quiet, make_request, open_own
from training.demo.latents import shrunk
from training.demo.measure import measured

CARD = PRESETS[QualityPreset.STANDARD_31]
PROMPT = "1girl, pink hair, blue eyes, smile, room"
SIDE = 448  # of a picture of 1024: its face is small then


@pytest.fixture(scope="module")
def finder(demo_path: Path) -> CascadeFinder:
    path = find_faces("auto", model=demo_path, models_dir=demo_path / "none")
    assert path is not None
    return CascadeFinder(read_cascade(path))


@pytest.fixture(scope="module")
def engine(demo_path: Path, finder: CascadeFinder) -> Iterator[SecondPass]:
    opened = SecondPass(open_own(demo_path), finder)
    yield opened
    opened.close()


REQUEST = make_request(
    prompt=f"{PROMPT}, safe, {CARD.positive}",
    negative_prompt=CARD.negative,
    width=1024,
    height=1024,
    num_inference_steps=14,
)


@pytest.fixture(scope="module")
def figure(engine: SecondPass) -> Image.Image:
    return engine.draw(REQUEST, 0, Quiet()).image


@pytest.fixture(scope="module")
def scene(figure: Image.Image) -> Image.Image:
    """The figure small, as in a picture of more than a face: without its details."""
    small = figure.resize((SIDE // 8, SIDE // 8), Image.Resampling.BOX)
    made = Image.new("RGB", (1024, 1024), (120, 160, 200))
    made.paste(small.resize((SIDE, SIDE), Image.Resampling.BICUBIC), (100, 500))
    return made


def test_it_finds_the_face_of_what_the_model_draws(
    finder: CascadeFinder, figure: Image.Image
) -> None:
    (face,) = finder.find(figure)
    assert abs((face.box.left + face.box.right) / 2 - 512) < 150  # it may stand aside
    assert abs((face.box.top + face.box.bottom) / 2 - 543) < 60
    assert 440 < face.box.right - face.box.left < 640


def test_a_small_face_is_drawn_again_as_asked_and_nothing_else_changes(
    engine: SecondPass, scene: Image.Image
) -> None:
    request = make_request(
        **{
            "prompt": REQUEST.prompt,
            "negative_prompt": REQUEST.negative_prompt,
            "num_inference_steps": 14,
            "width": 1024,
            "height": 1024,
            "faces": True,
            "only_faces": True,
            "init_picture": "0" * 64,
            "strength": FACE_STRENGTH,
        }
    )
    drawn = engine.draw(request, 0, Quiet(), init_image=scene)
    assert drawn.faces == 1
    before, after = np.asarray(scene, float), np.asarray(drawn.image, float)
    changed = np.argwhere((before != after).any(axis=-1))
    top, left = changed.min(axis=0)
    bottom, right = changed.max(axis=0)
    assert left >= 100 - 60
    assert top >= 500 - 60
    assert max(bottom - top, right - left) < SIDE
    assert _edges(after[500:950, 100:550]) > 1.1 * _edges(before[500:950, 100:550])
    enlarged = drawn.image.crop((100, 500, 100 + SIDE, 500 + SIDE)).resize((1024, 1024))
    seen = measured(shrunk(np.asarray(enlarged), 8), width=1024, height=1024)
    assert (seen["hair"], seen["eyes"]) == ("pink", "blue")


def test_ground_has_no_face(engine: SecondPass, finder: CascadeFinder) -> None:
    assert finder.find(Image.new("RGB", (1024, 1024), (120, 160, 200))) == []
    assert engine.model.faces


def _edges(pixels: np.ndarray) -> float:
    """The mean step between neighbours: what is blurred has small ones."""
    return float(np.abs(np.diff(pixels, axis=1)).mean())

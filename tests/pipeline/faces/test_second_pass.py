"""The second pass: what changes, what stays bit for bit, and what it says meanwhile."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from pipeline.canvas import Box
from pipeline.errors import Cancelled, EngineError, InputError
from pipeline.faces.found import Face
from pipeline.faces.plan import patches
from pipeline.faces.second_pass import SecondPass, face_request
from pipeline.lora.use import LoraUse
from pipeline.regions import Place, Region
from pipeline.rework import FACE_STRENGTH, Size
from tests.pipeline.own_model import make_request
from tests.support.fake_engine import FAKE_MODEL, FakeEngine

TWO = (Box(left=300, top=40, right=360, bottom=100), Box(left=60, top=120, right=110, bottom=170))
REQUEST = make_request(width=512, height=384, num_inference_steps=3, faces=True)


class At:
    """Says that faces are in `boxes`, the first the surest."""

    def __init__(self, *boxes: Box) -> None:
        self._boxes = boxes

    def find(self, image: Image.Image) -> list[Face]:
        assert image.mode == "RGB"
        return [Face(box=box, score=9.0 - at) for at, box in enumerate(self._boxes)]


class Told:
    """Keeps what it is told; cancels when `stop` says so."""

    def __init__(self, stop: Callable[[list[str]], bool] = lambda _: False) -> None:
        self.lines: list[str] = []
        self.previews: list[Image.Image] = []
        self._stop = stop

    def is_cancelled(self) -> bool:
        return self._stop(self.lines)

    def on_step(self, step: int, steps: int, preview: Callable[[], Image.Image | None]) -> None:
        self.lines.append(f"{step}/{steps}")
        shown = preview()
        if shown is not None:
            self.previews.append(shown)

    def on_face(self, face: int, faces: int) -> None:
        self.lines.append(f"face {face}/{faces}")


def engine() -> FakeEngine:
    return FakeEngine(scale=1)


def drawn(*boxes: Box, told: Told | None = None, **said: object) -> Image.Image:
    request = replace(REQUEST, **said)  # pyright: ignore[reportArgumentType] - its own fields
    return SecondPass(engine(), At(*boxes)).draw(request, 0, told or Told()).image


def test_outside_of_the_faces_no_pixel_changes() -> None:
    plain = np.asarray(engine().draw(replace(REQUEST, faces=False), 0, Told()).image)
    changed = np.asarray(drawn(*TWO))
    differs = (plain != changed).any(axis=-1)
    inside = np.zeros_like(differs)
    size = Size(width=512, height=384)
    for box, face in zip(
        TWO, (patches([Face(box=each, score=1)], size, native=1024)[0] for each in TWO), strict=True
    ):
        square, part = face.square, face.changed
        top, left = square.top + part.top, square.left + part.left
        inside[top : square.top + part.bottom, left : square.left + part.right] = True
        middle = (box.top + box.bottom) // 2, (box.left + box.right) // 2
        assert differs[middle]
    assert not (differs & ~inside).any()
    assert differs.sum() > 0.5 * inside.sum()


def test_the_same_request_gives_the_same_picture() -> None:
    assert drawn(*TWO).tobytes() == drawn(*TWO).tobytes()
    assert drawn(*TWO).tobytes() != drawn(*TWO, seed=43).tobytes()


def test_a_picture_without_small_faces_stays_as_it_is() -> None:
    whole = Box(left=0, top=0, right=300, bottom=300)
    plain = engine().draw(replace(REQUEST, faces=False), 0, Told())
    for boxes in ((), (whole,)):
        picture = SecondPass(engine(), At(*boxes)).draw(REQUEST, 0, Told())
        assert picture.image.tobytes() == plain.image.tobytes()
        assert picture.faces == 0


def test_it_says_which_face_is_drawn_and_shows_it_in_its_place() -> None:
    told = Told()
    picture = SecondPass(engine(), At(*TWO)).draw(REQUEST, 0, told)
    steps = ["1/3", "2/3", "3/3"]
    assert told.lines == [*steps, "face 1/2", *steps, "face 2/2", *steps]
    assert {shown.size for shown in told.previews} == {(512, 384)}
    assert told.previews[-1].tobytes() == picture.image.tobytes()
    assert picture.faces == 2
    assert 0 < picture.faces_s < picture.elapsed_s
    assert picture.seed == REQUEST.seed


@pytest.mark.parametrize("last", ["3/3", "face 1/2", "face 2/2"])
def test_a_cancel_is_heard_between_all_steps(last: str) -> None:
    told = Told(stop=lambda lines: lines[-1:] == [last])
    with pytest.raises(Cancelled):
        SecondPass(engine(), At(*TWO)).draw(REQUEST, 0, told)
    assert told.lines[-1] == last


def test_without_a_finder_it_draws_everything_else() -> None:
    second = SecondPass(engine(), None)
    assert not second.model.faces
    second.draw(replace(REQUEST, faces=False), 0, Told())
    with pytest.raises(InputError) as caught:
        second.draw(REQUEST, 0, Told())
    assert caught.value.key == "faces_none"
    assert SecondPass(engine(), At()).model == replace(FAKE_MODEL, faces=True)


def test_faces_alone_leave_the_given_picture_as_it_is() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (384, 512, 3), np.uint8)
    given = Image.fromarray(noise)
    request = replace(REQUEST, only_faces=True, init_picture="a" * 64, strength=FACE_STRENGTH)
    second = SecondPass(engine(), At(TWO[0]))
    told = Told()
    picture = second.draw(request, 0, told, init_image=given)
    assert told.lines[0] == "face 1/1"
    differs = (np.asarray(picture.image) != noise).any(axis=-1)
    assert differs[60:80, 320:340].any()
    assert not differs[150:].any()
    assert picture.image.size == given.size
    with pytest.raises(InputError) as caught:
        SecondPass(engine(), At()).draw(request, 0, Told(), init_image=given)
    assert caught.value.key == "faces_not_found"
    with pytest.raises(EngineError):
        second.draw(request, 0, Told())


def test_a_face_is_drawn_from_what_the_picture_is_drawn_from() -> None:
    ink = LoraUse(name="ink", strength=1.0, digest="d" * 64)
    request = replace(REQUEST, loras=(ink,), variation_strength=0.3, upscale_factor=1.5)
    (patch,) = patches([Face(box=TWO[0], score=1)], Size(width=512, height=384), native=1024)
    image = Image.new("RGB", (512, 384))
    one, other = (
        face_request(request, 0, number, patch, image=image, side=1024) for number in (0, 1)
    )
    assert (one.prompt, one.negative_prompt, one.loras) == (
        request.prompt, request.negative_prompt, (ink,),
    )  # fmt: skip
    assert (one.width, one.height, one.strength) == (1024, 1024, FACE_STRENGTH)
    assert (one.faces, one.variation_strength, one.upscale_factor, one.count) == (False, 0, 1, 1)
    assert one.seed != other.seed


@pytest.mark.parametrize(("box", "prompt"), [(TWO[0], "red hair"), (TWO[1], "blue hair")])
def test_a_face_in_a_region_is_drawn_from_its_prompt(box: Box, prompt: str) -> None:
    regions = (
        Region(place=Place.LEFT, prompt="blue hair"), Region(place=Place.RIGHT, prompt="red hair"),
    )  # fmt: skip
    (patch,) = patches([Face(box=box, score=1)], Size(width=512, height=384), native=1024)
    request = replace(REQUEST, regions=regions)
    one = face_request(request, 0, 0, patch, image=Image.new("RGB", (512, 384)), side=1024)
    assert (one.prompt, one.regions) == (prompt, ())

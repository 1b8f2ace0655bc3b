"""Faces by name as a mask, with the demo's finder on pictures that the demo drew."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bot.library.face_areas import FaceAreas
from data.shipped.paths import DEMO_MODEL
from pipeline.errors import InputError
from pipeline.faces.sources import WITH_MODEL

SHEET = Path(__file__).parents[3] / "docs" / "demo" / "pictures.jpg"
AREAS = FaceAreas(DEMO_MODEL / WITH_MODEL)


def png_of(image: Image.Image) -> bytes:
    output = io.BytesIO()
    image.save(output, "PNG")
    return output.getvalue()


async def test_the_faces_of_twelve_pictures_are_in_the_mask() -> None:
    with Image.open(SHEET) as opened:
        sheet = opened.convert("RGB")
    with Image.open(io.BytesIO(await AREAS.mask(png_of(sheet)))) as opened:
        mask = np.asarray(opened)
    assert mask.shape == (sheet.height, sheet.width)
    assert set(np.unique(mask)) == {0, 255}
    middles = [mask[row + 125, column + 120] for row in (0, 240) for column in range(0, 1440, 240)]
    assert sum(value == 255 for value in middles) >= 10
    corners = [mask[row + 4, column + 4] for row in (0, 240) for column in range(0, 1440, 240)]
    assert set(corners) == {0}


async def test_a_picture_without_faces_has_no_such_area() -> None:
    with pytest.raises(InputError) as caught:
        await AREAS.mask(png_of(Image.new("RGB", (400, 300), "grey")))
    assert caught.value.key == "faces_nowhere"


async def test_without_a_finder_there_is_none() -> None:
    assert AREAS.available
    assert not FaceAreas(None).available
    with pytest.raises(InputError) as caught:
        await FaceAreas(None).mask(b"")
    assert caught.value.key == "faces_none"

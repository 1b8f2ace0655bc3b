"""What stays of a picture stays bit for bit, and the feather lies inside of the mask."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.canvas import Extend, extended, kept_box, source_box
from pipeline.engine.start import Paste
from pipeline.engine.vae.redraw import FEATHER, feathered, redraw_of
from pipeline.errors import EngineError
from pipeline.request import ResolvedRequest
from pipeline.rework import Size
from tests.pipeline.engine.test_img2img import Watch, picture
from tests.pipeline.own_model import Quiet, make_request, open_own


def noise(width: int, height: int) -> Image.Image:
    levels = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(levels)


def rectangle(width: int, height: int, box: tuple[int, int, int, int]) -> Image.Image:
    mask = Image.new("L", (width, height), 0)
    mask.paste(255, box)
    return mask


def test_the_feather_rises_inward_from_the_edge_of_the_mask() -> None:
    mask = np.asarray(rectangle(100, 80, (20, 10, 90, 80))) > 0
    weights = feathered(mask)
    assert (weights[~mask] == 0).all()
    assert (weights[mask] > 0).all(), "all of the mask is redrawn, at least a little"
    middle = weights[45, 20:90]
    np.testing.assert_allclose(middle[:FEATHER], np.arange(1, FEATHER + 1) / FEATHER)
    assert middle[35] == 1
    assert weights[79, 50] == 1, "the picture's border is no edge"


def test_a_mask_of_everything_is_what_was_drawn() -> None:
    drawn = noise(40, 30)
    paste = Paste(
        image=picture(width=40, height=30), weights=feathered(np.ones((30, 40), np.bool_))
    )
    assert paste.over(drawn).tobytes() == drawn.tobytes()


@pytest.mark.parametrize("height", [12, 13])
def test_the_finest_mask_still_redraws_something(height: int) -> None:
    request = make_request(init_picture="x", mask="y", width=64, height=96)
    redraw = redraw_of(
        request, picture(), rectangle(64, 96, (33, 41, 36, 44)), size_multiple=8, vae_scale_factor=8
    )
    assert redraw is not None
    found = redraw.latent_mask(height=height, width=8)
    assert found.shape == (1, 1, height, 8)
    assert 1 <= found.sum() <= 2


@pytest.mark.parametrize("extend", Extend)
def test_an_extended_picture_keeps_the_source_where_it_lies(extend: Extend) -> None:
    source = Size(width=832, height=1216)
    canvas = extended(source, extend, size_multiple=32)
    request = make_request(
        init_picture="x", extend=extend, width=canvas.width, height=canvas.height
    )
    image = noise(source.width, source.height)
    redraw = redraw_of(request, image, None, size_multiple=32, vae_scale_factor=8)
    assert redraw is not None
    box = source_box(source, canvas, extend)
    kept = kept_box(box, canvas, block=8)
    mask = np.ones((canvas.height, canvas.width), np.bool_)
    mask[kept.top : kept.bottom, kept.left : kept.right] = False
    assert (redraw.mask == mask).all()
    if extend not in {Extend.ZOOM_1_5, Extend.ZOOM_2}:  # those scale it
        cut = redraw.image.crop((box.left, box.top, box.right, box.bottom))
        assert cut.tobytes() == image.tobytes()
    assert redraw.image.size == (canvas.width, canvas.height)


def test_what_is_not_redrawn_is_not_prepared() -> None:
    plain = make_request(init_picture="x")
    assert (
        redraw_of(
            plain, picture(), rectangle(64, 96, (0, 0, 9, 9)), size_multiple=8, vae_scale_factor=8
        )
        is None
    )
    with pytest.raises(EngineError, match="mask_missing"):
        redraw_of(
            make_request(init_picture="x", mask="y"),
            picture(),
            None,
            size_multiple=8,
            vae_scale_factor=8,
        )


@pytest.mark.parametrize("strength", [0.4, 1.0])
def test_the_engine_keeps_each_pixel_outside_of_the_mask(tiny_path: Path, strength: float) -> None:
    engine = open_own(tiny_path)
    request: ResolvedRequest = make_request(init_picture="x", mask="y", strength=strength)
    source, mask = noise(64, 96), rectangle(64, 96, (0, 30, 64, 96))
    watch = Watch()
    drawn = engine.draw(request, 0, watch, init_image=source, mask_image=mask).image
    before, after = np.asarray(source), np.asarray(drawn)
    assert (before[:30] == after[:30]).all()
    assert (before[60:] != after[60:]).any()
    again = engine.draw(request, 0, Quiet(), init_image=source, mask_image=mask).image
    assert again.tobytes() == drawn.tobytes()
    other = engine.draw(request, 1, Quiet(), init_image=source, mask_image=mask).image
    assert other.tobytes() != drawn.tobytes()
    assert watch.steps
    engine.close()


def test_a_picture_of_another_size_is_cropped_with_its_mask(tiny_path: Path) -> None:
    engine = open_own(tiny_path)
    request = make_request(init_picture="x", mask="y")
    source, mask = picture(width=200, height=200), rectangle(200, 200, (0, 0, 200, 100))
    drawn = engine.draw(request, 0, Quiet(), init_image=source, mask_image=mask).image
    assert drawn.size == (64, 96)
    engine.close()

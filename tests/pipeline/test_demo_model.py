"""The shipped model: a newcomer's first picture shows what was asked for.

Colours are measured where the figure has them (`training.demo.measure`), by no network. The whole
table of obedience comes from `python -m training.demo evaluate`; this is its smoke test.
"""

import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL.Image import Image, Resampling, fromarray

from pipeline.card import EXAMPLE_PROMPTS, PRESETS, QualityPreset
from pipeline.engine.own import OwnEngine
from pipeline.engine.unet import open_unet
from pipeline.engine.vae.preview import FILE_NAME, PreviewMap
from pipeline.lora.adapter import PREFIX
from pipeline.lora.use import LoraUse
from pipeline.model.folder import ModelFolder
from pipeline.regions import Place, Region
from pipeline.runtime.sessions import SessionFactory
from pipeline.text.text_encoder import PromptEncoder
from tests.pipeline.lora.adapters import write
from tests.pipeline.own_model import describe, make_request, open_own
from training.demo.branch import give_branch
from training.demo.latents import shrunk
from training.demo.measure import measured

CARD = PRESETS[QualityPreset.STANDARD_31]
MOST_BYTES = 20_000_000
NEWCOMER = "1girl, green hair, beanie, outdoors, night"


class Previews:
    """Never cancels; keeps the preview of one step."""

    def __init__(self) -> None:
        self.seen: Image | None = None

    def is_cancelled(self) -> bool:
        return False

    def on_step(self, step: int, steps: int, preview: Callable[[], Image | None]) -> None:
        if step == steps // 2:
            self.seen = preview()


@pytest.fixture(scope="module")
def engine(demo_path: Path) -> Iterator[OwnEngine]:
    opened = open_own(demo_path)
    yield opened
    opened.close()


def draw(
    engine: OwnEngine,
    prompt: str,
    *,
    watch: Previews | None = None,
    init_image: Image | None = None,
    **changes: object,
) -> NDArray[np.uint8]:
    """(1216, 832, 3) unless asked for another size: 28 steps, CFG 7, as the bot asks."""
    usual: dict[str, object] = {
        "prompt": f"{prompt}, safe, {CARD.positive}",
        "negative_prompt": CARD.negative,
        "width": 832,
        "height": 1216,
        "num_inference_steps": 28,
        "guidance_scale": 7.0,
    }
    request = make_request(**(usual | changes))
    return np.asarray(engine.draw(request, 0, watch or Previews(), init_image=init_image).image)


def colours(picture: NDArray[np.uint8]) -> dict[str, str]:
    height, width = picture.shape[:2]
    return measured(shrunk(picture, 8), width=width, height=height)


def test_it_is_small_and_says_what_it_is(demo_path: Path) -> None:
    size_bytes = sum(file.stat().st_size for file in demo_path.rglob("*") if file.is_file())
    assert size_bytes <= MOST_BYTES
    assert "Tiny demo model" in ModelFolder.open(demo_path).notice


def test_an_upscaled_picture_shows_the_same_person(engine: OwnEngine, demo_path: Path) -> None:
    folder = ModelFolder.open(demo_path)
    picture = fromarray(draw(engine, NEWCOMER, seed=1))
    larger = draw(
        engine, NEWCOMER, seed=1, width=1280, height=1856, init_image=picture,
        init_picture="0" * 64, strength=folder.upscale_strength, upscale_factor=1.5,
    )  # fmt: skip
    back = np.asarray(fromarray(larger).resize(picture.size, Resampling.BOX))
    assert colours(back) == colours(np.asarray(picture))
    assert _distance(back, np.asarray(picture)) < 30


def _distance(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    return float(np.sqrt(np.mean((one.astype(float) - other.astype(float)) ** 2)))


def test_its_preview_map_is_shipped(demo_path: Path) -> None:
    """Else the first preview would try to write into the installed package."""
    folder = ModelFolder.open(demo_path)
    kept = PreviewMap.load(demo_path / FILE_NAME, model_hash=folder.content_hash)
    assert kept is not None
    assert kept.patch == 8


def test_the_newcomers_picture(engine: OwnEngine) -> None:
    watch = Previews()
    picture = draw(engine, NEWCOMER, watch=watch)
    pictures = [picture, *(draw(engine, NEWCOMER, seed=seed) for seed in (1, 2))]
    found = [colours(each)["hair"] for each in pictures]  # where the beanie may begin, too
    assert found.count("green") >= 2, found
    top = picture[:120].reshape(-1, 3).mean(0)
    assert top.max() < 110, f"the night is dark above, found {top}"
    assert watch.seen is not None
    assert watch.seen.height == 512


def test_colours_land_where_they_belong(engine: OwnEngine) -> None:
    asked = "1girl, pink hair, blue eyes, long hair, yellow sweater, smile, room"
    found = colours(draw(engine, asked))
    assert found == {"hair": "pink", "eyes": "blue", "clothes": "yellow"}


TOLD = (
    ({"hair": "red", "eyes": "green", "clothes": "yellow"}, "1girl, smile, yellow sweater"),
    ({"hair": "blue", "eyes": "red", "clothes": "white"}, "1girl, open mouth, white shirt"),
)


@pytest.mark.parametrize(("width", "height"), [(1216, 832), (1344, 768)])
def test_two_figures_look_as_each_was_told(engine: OwnEngine, width: int, height: int) -> None:
    """`2girls, outdoors, left: red hair ... | right: blue hair ...`, and the other way round."""
    found: list[bool] = []
    for sides in (TOLD, TOLD[::-1]):
        parts = [
            f"2girls, {look['hair']} hair, {look['eyes']} eyes, {tags}, outdoors, {CARD.positive}"
            for look, tags in sides
        ]
        regions = (
            Region(place=Place.LEFT, prompt=parts[0]),
            Region(place=Place.RIGHT, prompt=parts[1]),
        )
        picture = draw(engine, parts[0], regions=regions, width=width, height=height)
        for side, (look, _) in zip((-1, 1), sides, strict=True):
            seen = measured(shrunk(picture, 8), width=width, height=height, side=side)
            found += [seen[field] == colour for field, colour in look.items()]
    assert found.count(False) <= 1, "six colours of two figures, twice"


def test_unknown_tags_change_nothing(engine: OwnEngine) -> None:
    plain = draw(engine, "1girl, red hair, smile", num_inference_steps=2)
    spelt = draw(engine, "1girl, Red_Hair, zettai ryouiki, SMILE", num_inference_steps=2)
    assert np.abs(plain.astype(int) - spelt).mean() < 0.5


def test_the_same_seed_is_the_same_picture_and_another_one_is_not(engine: OwnEngine) -> None:
    first = draw(engine, NEWCOMER, num_inference_steps=6)
    again = draw(engine, NEWCOMER, num_inference_steps=6)
    other = draw(engine, NEWCOMER, num_inference_steps=6, seed=43)
    assert np.array_equal(first, again)
    assert np.abs(first.astype(int) - other).mean() > 4


def test_the_cards_example_is_drawn(engine: OwnEngine) -> None:
    """Its character is unknown here; "smile", "outdoors" and the like are not."""
    found = colours(draw(engine, EXAMPLE_PROMPTS[0]))
    assert found["clothes"] != "?"


def test_it_draws_with_loras(demo_path: Path, cpu: SessionFactory, tmp_path: Path) -> None:
    """From the weights as they are shipped: nothing is prepared."""
    folder = ModelFolder.open(demo_path)
    assert folder.loras
    random = torch.Generator().manual_seed(0)
    tensors = {
        f"unet/{name.removeprefix(PREFIX)}": 0.05
        * torch.randn(
            [side if isinstance(side, int) else 4 for side in port.shape], generator=random
        )
        for name, port in open_unet(cpu, folder).session.branch.items()
    }
    use = LoraUse(name="style", strength=1.0, digest=write(tmp_path, tensors))
    opened = open_own(demo_path, loras=tmp_path)
    plain = draw(opened, NEWCOMER, width=512, height=512, num_inference_steps=4)
    styled = draw(opened, NEWCOMER, width=512, height=512, num_inference_steps=4, loras=(use,))
    again = draw(opened, NEWCOMER, width=512, height=512, num_inference_steps=4)
    opened.close()
    assert np.abs(styled.astype(int) - plain).mean() > 1
    np.testing.assert_array_equal(again, plain)


def test_giving_it_the_branch_again_changes_nothing(demo_path: Path, tmp_path: Path) -> None:
    copied = tmp_path / "model"
    shutil.copytree(demo_path, copied)
    give_branch(copied)
    for part in ("unet", "text_encoder", "text_encoder_2"):
        file = f"{part}/model.onnx"
        assert (copied / file).read_bytes() == (demo_path / file).read_bytes(), part


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_the_stock_engine_draws_it_too(demo_path: Path, cpu: SessionFactory) -> None:
    """The UNet has more outputs than optimum knows."""
    with warnings.catch_warnings():  # torch and diffusers deprecate each other
        warnings.simplefilter("ignore")
        from pipeline.engine.stock import StockEngine
    folder = ModelFolder.open(demo_path)
    prompts = PromptEncoder(folder, cpu)
    stock = StockEngine(folder, cpu, prompts=prompts, description=describe(folder))
    request = make_request(prompt="1girl, green hair", width=512, height=512)
    theirs = np.asarray(stock.draw(request, 0, Previews()).image)
    stock.close()
    own = open_own(demo_path)
    ours = np.asarray(own.draw(request, 0, Previews()).image)
    own.close()
    assert np.abs(theirs.astype(int) - ours).mean() < 2

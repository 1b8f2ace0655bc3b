"""What the playground's drafts look like: few steps without guidance, and still what was asked for.

The whole table comes from `python -m training.demo draft-check`; this is its smoke test.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.loras.scan import read_manifest
from bot.playground.page.styles import DRAFT_RECIPE, add_styles
from data.shipped.paths import DEMO_MODEL
from pipeline.card import PRESETS, QualityPreset
from pipeline.engine.own import OwnEngine
from pipeline.lora.use import LoraUse
from tests.pipeline.own_model import Quiet, make_request, open_own
from training.demo.latents import shrunk
from training.demo.measure import measured

CARD = PRESETS[QualityPreset.STANDARD_31]
SIDE = 1024
PROMPTS = {
    "1girl, green hair, yellow eyes, long hair, red sweater, smile, outdoors": "green yellow red",
    "1girl, pink hair, blue eyes, twintails, white shirt, city": "pink blue white",
    "1boy, black hair, green eyes, short hair, purple hoodie, beach": "black green purple",
    "1girl, blue hair, red eyes, bob cut, yellow jacket, forest": "blue red yellow",
    "1girl, red hair, aqua eyes, ponytail, blue kimono, snow": "red aqua blue",
}
"""Colours of hair, eyes and clothes by prompt."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("playground") / "loras"
    add_styles(folder)
    return folder


@pytest.fixture(scope="module")
def engine(library: Path) -> Iterator[OwnEngine]:
    opened = open_own(DEMO_MODEL, loras=library)
    yield opened
    opened.close()


def test_a_draft_obeys(engine: OwnEngine, library: Path) -> None:
    digest = read_manifest(library / "draft.json").adapter.sha256
    use = LoraUse(name="draft", strength=1.0, digest=digest)
    asked = [colour for colours in PROMPTS.values() for colour in colours.split()]

    def hits(*loras: LoraUse) -> int:
        found = [colour for prompt in PROMPTS for colour in _colours(_draw(engine, prompt, loras))]
        return sum(map(str.__eq__, asked, found))

    assert hits(use) >= 13, "of 15"
    assert hits() <= 10, "so few steps are not enough without it"


def _draw(engine: OwnEngine, prompt: str, loras: tuple[LoraUse, ...]) -> NDArray[np.uint8]:
    request = make_request(
        prompt=f"{prompt}, safe, {CARD.positive}",
        negative_prompt=CARD.negative,
        width=SIDE,
        height=SIDE,
        loras=loras,
        **DRAFT_RECIPE.said,
    )
    return np.asarray(engine.draw(request, 0, Quiet()).image)


def _colours(picture: NDArray[np.uint8]) -> list[str]:
    found = measured(shrunk(picture, 8), width=SIDE, height=SIDE)
    return [found[name] for name in ("hair", "eyes", "clothes")]

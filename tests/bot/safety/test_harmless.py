"""What must not be refused: harmless prompts, and the harmless tags of the whole Danbooru list."""

from pathlib import Path

import pytest

from bot.safety.rules import check_prompt
from pipeline.rating import Rating

PROMPTS = [
    line
    for line in Path(__file__).with_name("harmless_prompts.txt").read_text("utf-8").split("\n")
    if line and not line.startswith("# ")
]


def test_the_catalogue_is_as_long_as_promised() -> None:
    assert len(PROMPTS) == len(set(PROMPTS)) >= 150


@pytest.mark.parametrize("prompt", PROMPTS)
def test_harmless_prompt_passes(prompt: str) -> None:
    assert check_prompt(prompt, "nsfw, lowres, (bad), text", rating=Rating.EXPLICIT) is None
    inside = f"1girl, solo, {prompt}, looking at viewer, masterpiece"
    assert check_prompt(inside, "", rating=Rating.EXPLICIT) is None

"""What can be chosen, compared with the library of A1111's extension Dynamic Prompts.

The bot does not use it to read prompts: it refuses many of them (`>:{`, a brace that is left open),
cuts others at `#`, and its parser ends in a RecursionError for braces inside each other.
"""

from pathlib import Path
from typing import Any

import pytest
from dynamicprompts.generators import CombinatorialPromptGenerator
from dynamicprompts.wildcards import WildcardManager

from pipeline.prompt.wildcards.choosing import ChoiceLists
from pipeline.prompt.wildcards.grammar import read_template
from pipeline.prompt.wildcards.possible import possible_texts

LISTS = {
    "colour": ("red", "blue", "green"),
    "hair": ("__colour__ hair", "{long|short} hair"),
    "animal": ("cat", "dog"),
}


@pytest.mark.parametrize(
    "typed",
    [
        "1girl, {red|blue} hair",
        "{red|blue} hair, {smile|grin|frown}",
        "{ red | blue } hair",
        "{hat|}",
        "{a|{b|c}}",
        "{{a|b}|{c|d}} e",
        "{x {a|b}|y}",
        "{3::red|0.5::blue|green}",
        "{2$$, $$a|b|c}",
        "{2$$ and $$a|b|c}",
        "{1-2$$, $$a|b|c}",
        "{-2$$, $$a|b|c}",
        "{2-$$, $$a|b|c}",
        "{0-1$$, $$a|b}",
        "{2$$, $$__colour__}",
        "{2$$, $$__colour__|hat}",
        "{2$$ + $${a|b}|c}",
        "__colour__ eyes",
        "__hair__, smile",
        "__colour____animal__",
        "赤い__animal__の",
        "a {__colour__|__animal__} b",
        "({red|blue} hair:1.2), [{a|b}]",
    ],
)
def test_the_same_texts_can_be_chosen(typed: str, tmp_path: Path) -> None:
    for name, entries in LISTS.items():
        (tmp_path / f"{name}.txt").write_text("\n".join(entries), encoding="utf-8")
    library: Any = CombinatorialPromptGenerator(WildcardManager(tmp_path))
    theirs = library.generate(typed, 500)
    ours = possible_texts(read_template(typed), ChoiceLists(LISTS), most=500)
    assert ours is not None
    assert {" ".join(str(e).split()) for e in theirs} == {" ".join(e.split()) for e in ours}

"""The LoRAs of a request, and the words that they need in its prompt."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from pipeline.hints import HintKind, Hints
from pipeline.lora.recipe import NO_RECIPE, Recipe
from pipeline.lora.use import LoraUse
from pipeline.prompt.assemble import typed_text
from pipeline.prompt.clean import clean_prompt
from pipeline.prompt.pieces import split_pieces
from pipeline.prompt.tags import plain_key, plain_keys
from pipeline.rating import Rating
from pipeline.request import GenerationRequest

_BETWEEN: Final = re.compile(r"[\W_]+")  # words
_BRACKET: Final = re.compile(r"(?<!\\)[()\[\]]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenLoras:
    """`triggers`: words that they were trained with. `rating`: the highest of theirs, which is the
    lowest that the picture can have. `recipe`: settings that count where the request says none."""

    uses: tuple[LoraUse, ...] = ()
    triggers: tuple[str, ...] = ()
    rating: Rating = Rating.SAFE
    recipe: Recipe = NO_RECIPE


NO_LORAS: Final = ChosenLoras()


def with_triggers(
    read: GenerationRequest, triggers: Iterable[str], hints: Hints
) -> GenerationRequest:
    """`read`, a read request, with the trigger words that it lacks as tags after its own. They are
    reported together."""
    typed = typed_text(read)
    there, text = set(plain_keys(typed)), _words(typed)
    added: list[str] = []
    for trigger in triggers:
        for each in split_pieces(_BRACKET.sub(r"\\\g<0>", clean_prompt(trigger))):
            if each.key and each.key not in there and _words(each.key) not in text:
                there.add(each.key)
                added.append(each.text)
    if not added:
        return read
    hints.add(HintKind.TRIGGER, ", ".join(added))
    return replace(read, tags=", ".join(part for part in (read.tags, *added) if part))


def _words(text: str) -> str:
    """`text` as words with a space around each, so that one text is found in another."""
    return f" {_BETWEEN.sub(' ', plain_key(text)).strip()} "

"""Separates what a person typed for a finished picture from what was added, also as a command.

Both are read from the final texts, which everybody who sees the picture may read: a flag, the name
of a LoRA that was not used or an address that was typed and taken out of the prompt is not in them.
"""

from collections.abc import Set
from dataclasses import replace
from itertools import chain
from typing import Final

from pipeline.aspect import nearest_bucket
from pipeline.card import (
    MAX_PROMPT_CHARACTERS,
    PRESETS,
    RATING_TAGS,
    STYLES,
    Aesthetic,
    Quality,
    Year,
)
from pipeline.prompt.assemble import MINORS, typed_text
from pipeline.prompt.flags_line import settings_line
from pipeline.prompt.pieces import Piece, first_pieces, join_pieces, split_pieces
from pipeline.prompt.tags import plain_keys
from pipeline.request import GenerationRequest, ResolvedRequest, decided


def own_pieces(made: ResolvedRequest) -> list[Piece]:
    """The pieces of the final prompt without quality tags and such that nobody typed."""
    style = "" if made.original.style is None else STYLES[made.original.style].positive
    added = _ADDED | plain_keys(style)
    return _own(made.prompt, added=added, typed=plain_keys(typed_text(made.original)))


def own_negative(made: ResolvedRequest) -> str:
    """The final negative prompt without what nobody typed."""
    style = "" if made.original.style is None else STYLES[made.original.style].negative
    added = _ADDED_NEGATIVE | plain_keys(style)
    typed = plain_keys(made.original.negative_prompt)
    return join_pieces(_own(made.negative_prompt, added=added, typed=typed))


def imagine_command(made: ResolvedRequest, *, seed: int) -> str:
    """`/imagine prompt: 1girl, smile --no hat --ar 832x1216 --seed 5`: asks for one picture again,
    whatever the defaults of who sends it are. `seed`: of that picture.

    The seed is left out if it is not enough, because the picture started from another one.
    """
    said = replace(
        GenerationRequest(**decided(made)),
        aspect=nearest_bucket(width=made.width, height=made.height).pixels,
        year=made.original.year,
        aesthetic=made.original.aesthetic,
        style=made.original.style,
        seed=seed if is_repeatable(made) else None,
        count=None,
    )
    negative = own_negative(made)
    flags = " ".join(
        part for part in (negative and f"--no {negative}", settings_line(said)) if part
    )
    prompt = join_pieces(own_pieces(made))
    room = MAX_PROMPT_CHARACTERS - len(flags) - 1
    return f"/imagine prompt: {first_pieces(prompt, max(room, 0))} {flags}"


def is_repeatable(made: ResolvedRequest) -> bool:
    """Whether the command draws the same picture: not if that started from another one."""
    return not (made.init_picture or made.variation_strength)


def _own(text: str, *, added: Set[str], typed: Set[str]) -> list[Piece]:
    kept: list[Piece] = []
    for each in split_pieces(text):
        keys = plain_keys(each.text)
        if each.is_break or keys & typed or not keys <= added:
            kept.append(each)
    return kept


_ADDED: Final = frozenset(
    chain.from_iterable(
        plain_keys(text)
        for text in (
            *(preset.positive for preset in PRESETS.values()),
            *RATING_TAGS.values(),
            *Year,
            *Aesthetic,
            *Quality,
        )
    )
)
_ADDED_NEGATIVE: Final = plain_keys(MINORS) | frozenset(
    chain.from_iterable(plain_keys(preset.negative) for preset in PRESETS.values())
)

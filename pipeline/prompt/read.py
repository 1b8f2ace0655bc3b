"""Converts a typed prompt to the syntax that the rest understands: A1111's.

Full-width punctuation becomes ASCII, characters inside known tags are escaped, other programs'
syntax is read as the nearest equivalent or removed, and weights are corrected. Whatever was not
used as typed is reported as a hint.
"""

import html
import re
from dataclasses import replace
from typing import Final, NamedTuple

from pipeline.hints import Hint, HintKind, Hints
from pipeline.prompt.flags import cut_foreign_flags
from pipeline.prompt.foreign import leave_out
from pipeline.prompt.groups import GroupReader
from pipeline.prompt.known import NameOf, nothing, replace_aliases
from pipeline.prompt.names import IsKnown, set_names_aside
from pipeline.prompt.placeholders import Placeholders, without_letters
from pipeline.prompt.typed_regions import split_regions
from pipeline.prompt.width import as_ascii
from pipeline.regions import Region
from pipeline.request import GenerationRequest

_TEXTS: Final = ("prompt", "tags", "character", "series", "negative_prompt")
_DIRECTIONS: Final = dict.fromkeys(map(ord, "\u061c\u200e\u200f"))  # marks around numbers in Arabic
_ENTITY = re.compile(
    r"&(?:lt|gt|amp|quot|apos|nbsp|#0{0,3}3[49]);"
)  # as copied from a page's source
_BLANKS = re.compile(r" {2,}")
_COMMAS = re.compile(r"(?:(?<!\s)\s+)?,(?:\s*+,)*+")


class ReadPrompt(NamedTuple):
    """A prompt in A1111's syntax, and its hints."""

    text: str
    hints: tuple[Hint, ...] = ()


class ReadRequest(NamedTuple):
    """A request with all its texts read; its prompt without what is only for one of `regions`."""

    request: GenerationRequest
    hints: tuple[Hint, ...] = ()
    regions: tuple[Region, ...] = ()


def read_prompt(typed: str, is_known: IsKnown) -> ReadPrompt:
    """Read one clean text. Never fails."""
    hints = Hints()
    return ReadPrompt(_read(typed, is_known, hints), hints.found)


def read_request(
    request: GenerationRequest, is_known: IsKnown, alias_of: NameOf = nothing
) -> ReadRequest:
    """Read all texts of a clean request whose flags are folded, tags in place of their aliases.

    InputError `regions_unclear`.
    """
    hints = Hints()
    typed = split_regions(request.prompt)
    request = replace(request, prompt=typed.common)

    def read(text: str) -> str:
        return replace_aliases(_read(text, is_known, hints), alias_of, hints)

    texts = {name: read(getattr(request, name)) for name in _TEXTS}
    regions = tuple(replace(each, prompt=read(each.prompt)) for each in typed.regions)
    texts["place_negative"] = _read(request.place_negative, is_known, Hints())  # nobody typed it
    return ReadRequest(replace(request, **texts), hints.found, regions)


def _read(typed: str, is_known: IsKnown, hints: Hints) -> str:
    if not typed:
        return ""
    plain = _ENTITY.sub(lambda match: html.unescape(match[0]), typed.translate(_DIRECTIONS))
    body, flags = cut_foreign_flags(without_letters(plain))
    for flag in flags:
        hints.add(HintKind.FLAG, flag)
    placeholders = Placeholders()
    text = set_names_aside(as_ascii(body), is_known, placeholders)
    text = GroupReader(placeholders, hints).read(leave_out(text, placeholders, hints))
    tidy = _COMMAS.sub(",", _BLANKS.sub(" ", text))
    return placeholders.back(tidy).strip(" ,")

"""Tags as they stand in prompts: written, read back, and compared."""

import re
import unicodedata
from typing import Final

from pipeline.prompt.weights import Break, parse_weights

KAOMOJI: Final = frozenset({
    "^_^", ">_<", ">_o", "o_o", "0_0", "=_=", "+_+", "+_-", "x_x", "u_u", "t_t", "@_@", "3_3",
    "6_9", "._.", "|_|", "||_||", "<o>_<o>", "<|>_<|>", "(o)_(o)", "n_n", "e_e", "q_q", ";_;",
})  # fmt: skip
"""Danbooru names (and a few faces people type) whose underscore is a mouth."""

_ESCAPABLE = re.compile(r"\\?([()\[\]])")
_SPACES = re.compile(r"\s+")


def escape_tag(name: str) -> str:
    r"""A Danbooru name as prompt text: `ganyu_(genshin_impact)` -> `ganyu \(genshin impact\)`.

    Underscores become spaces except in kaomoji; brackets are escaped, those already escaped stay.
    """
    words = name if name.casefold() in KAOMOJI else name.replace("_", " ")
    return _ESCAPABLE.sub(r"\\\1", words.strip())


def plain_tags(prompt: str) -> list[str]:
    """The tags of a prompt without weights, brackets and escapes, as typed otherwise.

    Split at commas and BREAK; empty ones are left out, repeated ones stay.
    """
    words = "".join("," if isinstance(p, Break) else p.text for p in parse_weights(prompt))
    return [tag for part in words.split(",") if (tag := _SPACES.sub(" ", part).strip())]


def tag_key(text: str) -> str:
    """What makes two tags the same: case, underscores, weights, spacing, width of letters and
    invisible characters don't count. `(Long_Hair:1.2)` and `long hair` have one key."""
    return ", ".join(key for tag in plain_tags(text) if (key := plain_key(tag)))


def plain_key(tag: str) -> str:
    """`tag_key` of a text without syntax: its brackets are letters."""
    letters = unicodedata.normalize("NFKC", tag).casefold()
    seen = "".join(c for c in letters if unicodedata.category(c) != "Cf")
    if seen.strip() in KAOMOJI:
        return seen.strip()
    return _SPACES.sub(" ", seen.replace("_", " ")).strip()

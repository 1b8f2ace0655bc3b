"""When two tags are the same."""

import re
import unicodedata
from functools import lru_cache

from pipeline.prompt.weights import KAOMOJI, plain_tags

_SPACES = re.compile(r"\s+")
_REMEMBERED = 4096  # texts: a prompt and its pieces are compared many times while it is assembled


@lru_cache(_REMEMBERED)
def tag_key(text: str) -> str:
    """What makes two pieces of a prompt the same, or "" where nothing is left to compare.

    Case, underscores, weights, spacing, width of letters and invisible characters don't count:
    `(Long_Hair:1.2)` and `long hair` have one key.
    """
    return ", ".join(key for tag in plain_tags(text) if (key := plain_key(tag)))


@lru_cache(_REMEMBERED)
def plain_keys(text: str) -> frozenset[str]:
    """The keys of all tags in `text`, whatever brackets they stand in."""
    return frozenset(key for tag in plain_tags(text) if (key := plain_key(tag)))


@lru_cache(_REMEMBERED)
def plain_key(tag: str) -> str:
    """`tag_key` of a text without syntax: its brackets are letters."""
    letters = unicodedata.normalize("NFKC", tag).casefold()
    seen = "".join(c for c in letters if unicodedata.category(c) != "Cf").strip()
    return seen if seen in KAOMOJI else _SPACES.sub(" ", seen.replace("_", " ")).strip()

"""Translates the text of the gallery's search to a query of SQLite's FTS5. Pure.

Commas and spaces separate words, and all of them must occur. `blue_eyes` and `"blue eyes"` are one
phrase, `-hat` must not occur, `umbrel*` is the start of a word, `by:alice` is a maker. Input is
never read as FTS5 syntax: only letters and digits reach it, between quotes.
"""

import re
import unicodedata
from typing import Final

MAX_TYPED: Final = 200  # characters; longer text is cut, because each word costs time
MAX_WORDS: Final = 12
MIN_PREFIX: Final = 3  # letters before a star: fewer match nearly everything

_PIECE = re.compile(r'(?P<without>-?)(?P<by>by:)?(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s,"]+))')
_TOKEN = re.compile(r"[^\W_]+")

SHAPES: Final = ("portrait", "landscape", "square")


def expression(
    typed: str,
    *,
    shape: str | None = None,
    guild_id: int | None = None,
    maker_id: int | None = None,
    rating: int | None = None,
) -> str | None:
    """The FTS5 query, None if nothing is searched for. `shape` is one of SHAPES. Server and maker
    alone need no query: indexes list their entries."""
    wanted: list[str] = []
    unwanted: list[str] = []
    for match in list(_PIECE.finditer(typed[:MAX_TYPED].casefold()))[:MAX_WORDS]:
        term = _term(match)
        if term is not None:
            (unwanted if match["without"] else wanted).append(term)
    marks = [shape, None if rating is None else f"qr{rating}"]
    wanted += [f'marks : "{mark}"' for mark in marks if mark is not None]
    if not wanted and not unwanted:
        return None
    wanted += [
        f'marks : "{kind}{who}"' for kind, who in (("qs", guild_id), ("qm", maker_id)) if who
    ]
    found = " AND ".join(wanted or ['marks : "any"'])
    return " NOT ".join([f"({found})", *unwanted])


def phrase(tag: str) -> str:
    """The search text for `tag`, such as `blue_eyes`; "" for one without letters and digits."""
    return "_".join(_TOKEN.findall(unicodedata.normalize("NFKC", tag).casefold()))


def _term(match: re.Match[str]) -> str | None:
    written = match["phrase"] if match["phrase"] is not None else match["word"]
    tokens = _TOKEN.findall(unicodedata.normalize("NFKC", written).replace("\0", " "))
    if not tokens:
        return None
    begins = written.endswith("*") and len(tokens[-1]) >= MIN_PREFIX
    phrase = f'"{" ".join(tokens)}"' + (" *" if begins else "")
    columns = "maker" if match["by"] else "{words tags maker}"
    return f"({columns} : {phrase})"

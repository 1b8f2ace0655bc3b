"""A position in a person's history, encoded in a button. Pure."""

import re
from dataclasses import dataclass, replace
from typing import Final

from data.shipped.text import text

PAGE_SIZE: Final = 6
MAX_WORDS: Final = 60
"""Characters of a search. Discord's limit for a `custom_id` is 100, and the search is in it."""

_MAX_PAGE = 999_999
TEMPLATE: Final = r"ekaki:history:(?P<role>[a-z]):(?P<page>\d{1,6}):(?P<fav>[01]):(?P<words>.*)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Browsing:
    """A page (from 0) of the pictures that have all `words` in their prompt."""

    page: int = 0
    favourites: bool = False
    words: str = ""

    @classmethod
    def of(cls, *, words: str | None, favourites: bool) -> "Browsing":
        """The first page of a search as typed."""
        return cls(words=" ".join((words or "").split())[:MAX_WORDS].strip(), favourites=favourites)

    @classmethod
    def parse(cls, match: re.Match[str]) -> "Browsing":
        """From the `custom_id` that `custom_id` wrote."""
        return cls(page=int(match["page"]), favourites=match["fav"] == "1", words=match["words"])

    def custom_id(self, role: str) -> str:
        """`role` is a letter that tells buttons of one message apart."""
        return f"ekaki:history:{role}:{self.page}:{int(self.favourites)}:{self.words}"

    def turned(self, pages: int) -> "Browsing":
        """The cursor this many pages further."""
        return replace(self, page=max(0, min(_MAX_PAGE, self.page + pages)))

    def within(self, total: int) -> "Browsing":
        """The same, or the last existing page if there are now only `total` pictures."""
        return replace(self, page=min(self.page, page_count(total) - 1))


def page_count(total: int) -> int:
    """How many pages `total` pictures fill; an empty one at least."""
    return max(1, -(-total // PAGE_SIZE))


def summary(browsing: Browsing, total: int) -> str:
    """`Page 2 of 5, 27 pictures`."""
    key = "page_one" if total == 1 else "page"
    return text(f"history.{key}", page=browsing.page + 1, pages=page_count(total), pictures=total)

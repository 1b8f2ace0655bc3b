"""The query of a gallery address: search, filters, position. Reads leniently, writes strictly."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Final
from urllib.parse import urlencode

from data.gallery.entries import Order
from data.gallery.query import MAX_TYPED, SHAPES
from data.gallery.search import Wanted
from data.store.ids import snowflake
from pipeline.rating import Rating

DAY_S: Final = 86_400.0
TIMES: Final = {"day": 1, "week": 7, "month": 30, "year": 365}
"""Days back from now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The query of an address. What can't be read is ignored, so that old links still open.

    `after` and `before` are public ids of entries.
    """

    q: str = ""
    order: Order = "new"
    time: str = ""
    shape: str = ""
    rating: str = ""
    server: str = ""
    after: str = ""
    before: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Asked":
        """From an address."""
        said = {name: query.get(name, "")[:MAX_TYPED].strip() for name in _NAMES}
        return cls(
            q=said["q"],
            order="top" if said["order"] == "top" else "new",
            time=said["time"] if said["time"] in TIMES else "",
            shape=said["shape"] if said["shape"] in SHAPES else "",
            rating=said["rating"] if said["rating"] in _RATINGS else "",
            server=said["server"] if snowflake(said["server"]) is not None else "",
            after=said["after"],
            before=said["before"],
        )

    def query(self, **changes: str) -> str:
        """`?q=...`, with some values replaced. Equal queries give equal text."""
        asked = replace(self, **changes)  # type: ignore[arg-type]
        said = {name: str(getattr(asked, name)) for name in _NAMES}
        said = {name: value for name, value in said.items() if value != _DEFAULTS[name]}
        return f"?{urlencode(said)}" if said else ""

    def elsewhere(self, **changes: str) -> str:
        """The same without the position: from the first page."""
        return self.query(**{"after": "", "before": ""} | changes)

    @property
    def narrowed(self) -> bool:
        """Whether anything is looked for."""
        return bool(self.q or self.time or self.shape or self.rating or self.server)

    def wanted(self, *, now: float, open_guilds: frozenset[int]) -> Wanted:
        """The filter for `data.gallery.search`, with times in minutes so that pages stay equal."""
        days = TIMES.get(self.time)
        return Wanted(
            guild_id=snowflake(self.server),
            on_web=True,
            open_guilds=open_guilds,
            words=self.q,
            shape=self.shape or None,
            rating=Rating.from_label(self.rating) if self.rating else None,
            since=0.0 if days is None else now // 60 * 60 - days * DAY_S,
        )


_NAMES: Final = tuple(field.name for field in fields(Asked))
_DEFAULTS: Final = {field.name: field.default for field in fields(Asked)}
_RATINGS: Final = tuple(rating.label for rating in Rating)

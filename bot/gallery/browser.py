"""Browses a server's gallery, one entry after another."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from data.gallery import entries, search
from data.gallery.entries import Entry, Order
from data.gallery.search import Wanted
from data.jobs.stored import StoredPicture, find_stored
from data.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """An entry with its picture, and whether there are entries before and after it."""

    entry: Entry
    stored: StoredPicture
    earlier: bool
    later: bool


class Browser:
    """Reads. `chance` draws from [0, 1)."""

    def __init__(self, database: Database, *, chance: Callable[[], float] = random.random) -> None:
        self._database = database
        self._chance = chance

    async def look(
        self,
        wanted: Wanted,
        *,
        order: Order,
        beside: str = "",
        way: Literal["after", "before"] = "after",
    ) -> View | None:
        """The entry after `beside` (an id; "" or a deleted one: the first entry), or the one before
        it. If there is none on that side, `beside` itself. None: the gallery is empty."""
        async with self._database.reader() as connection:
            at = await entries.get(connection, entry_id=beside) if beside else None
            if at is not None and (at.guild_id != wanted.guild_id or at.posted_at is None):
                at = None
            found = await search.page(
                connection, wanted=wanted, order=order, limit=1, beside=at, way=way
            )
            if not found and at is not None:
                found = await search.page(
                    connection, wanted=wanted, order=order, limit=1, way="after"
                )
            if not found:
                return None
            entry = found[0]
            around = [
                await search.page(
                    connection, wanted=wanted, order=order, limit=1, beside=entry, way=side
                )
                for side in ("before", "after")
            ]
            stored = await find_stored(connection, picture_id=entry.picture_id)
        if stored is None:
            return None
        earlier, later = map(bool, around)
        return View(entry=entry, stored=stored, earlier=earlier, later=later)

    async def at_random(self, wanted: Wanted) -> View | None:
        """A random entry, ignoring words and shape, all equally likely."""
        async with self._database.reader() as connection:
            entry = await search.at_random(connection, wanted=wanted, chance=self._chance())
            stored = (
                None
                if entry is None
                else await find_stored(connection, picture_id=entry.picture_id)
            )
        if entry is None or stored is None:
            return None
        return View(entry=entry, stored=stored, earlier=False, later=True)

    async def waiting(self, guild_id: int) -> View | None:
        """The entry that has waited longest for approval; `later`: there are more."""
        async with self._database.reader() as connection:
            found = await entries.waiting(connection, guild_id=guild_id, limit=2)
            stored = (
                await find_stored(connection, picture_id=found[0].picture_id) if found else None
            )
        if stored is None:
            return None
        return View(entry=found[0], stored=stored, earlier=False, later=len(found) > 1)

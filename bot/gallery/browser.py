"""Looking through a server's gallery, one entry after another."""

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
    """An entry with its picture, and whether others come before and after it."""

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
        """The next entry from `beside` (an id; "" or one that is gone: the first one), or the one
        before it. Where there is none on that side: `beside` itself. None: nothing at all."""
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
        """Any entry, words and shape aside, each as likely."""
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
        """What has waited longest for a moderator's approval; `later`: there is more."""
        async with self._database.reader() as connection:
            found = await entries.waiting(connection, guild_id=guild_id, limit=2)
            stored = (
                await find_stored(connection, picture_id=found[0].picture_id) if found else None
            )
        if stored is None:
            return None
        return View(entry=found[0], stored=stored, earlier=False, later=len(found) > 1)

"""Links to a collection's ZIP on the web page: signed, and valid for an hour."""

import base64
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Final

from bot.common.clock import Clock
from data.store import notes
from data.store.database import Database
from data.store.times import CLOCK_STEP_S
from pipeline.rating import Rating

GOOD_FOR_S: Final = 3600
_LONGEST_S: Final = GOOD_FOR_S + CLOCK_STEP_S
_KEY: Final = "link_key"
_GRANT = re.compile(
    r"(?P<collection>[a-z0-9]{12})\.(?P<user>\d{1,20})\.(?P<guild>\d{1,20})"
    r"\.(?P<ceiling>[0-3])\.(?P<until>\d{1,12})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Who asked for which collection, and where. The content is looked up on download."""

    collection_id: str
    user_id: int
    guild_id: int | None
    ceiling: Rating


class CollectionLinks:
    """Makes and reads links. The key is in the database, so that the page can be a separate
    process. `origin`: the page's address; empty: there is no page to link to."""

    def __init__(self, *, database: Database, clock: Clock, origin: str) -> None:
        self._database = database
        self._clock = clock
        self._origin = origin

    @property
    def possible(self) -> bool:
        """Whether there is a page."""
        return bool(self._origin)

    async def make(self, grant: Grant) -> str:
        """The address. Whoever has it can download what the person may see, for an hour."""
        until = int(self._clock.time()) + GOOD_FOR_S
        said = ".".join(
            str(part)
            for part in (
                grant.collection_id,
                grant.user_id,
                grant.guild_id or 0,
                int(grant.ceiling),
                until,
            )
        )
        return f"{self._origin}/collection/{said}.{_signature(await self._key(), said)}"

    async def read(self, word: str) -> Grant | None:
        """What the last part of an address grants; None: nothing, or no longer."""
        said, _, signature = word.rpartition(".")
        match = _GRANT.fullmatch(said)
        # One that would last longer was made by a clock that was ahead.
        if match is None or not 0 <= int(match["until"]) - self._clock.time() <= _LONGEST_S:
            return None
        known = _signature(await self._key(), said)
        if not hmac.compare_digest(signature.encode(), known.encode()):
            return None
        return Grant(
            collection_id=match["collection"],
            user_id=int(match["user"]),
            guild_id=int(match["guild"]) or None,
            ceiling=Rating(int(match["ceiling"])),
        )

    async def _key(self) -> bytes:
        found = await self._database.read(notes.get, key=_KEY)
        if found is None:
            async with self._database.transaction() as connection:
                found = await notes.get(connection, key=_KEY)  # another process was faster
                if found is None:
                    found = secrets.token_hex(32)
                    await notes.put(connection, key=_KEY, value=found)
        return bytes.fromhex(found)


def _signature(key: bytes, said: str) -> str:
    digest = hmac.digest(key, said.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

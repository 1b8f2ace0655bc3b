"""The `blocks` table: who may not use the bot, in a server or anywhere."""

import sqlite3
from dataclasses import dataclass
from typing import Final, Literal

from aiosqlite import Connection

from data.store.times import CLOCK_STEP_S

Subject = Literal["user", "guild"]

EVERYWHERE: Final = 0
"""The `guild_id` of a block by the bot's owner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block of `subject_id`. Times are seconds since the epoch; `until` None: for good."""

    guild_id: int
    subject: Subject
    subject_id: int
    reason: str
    blocked_by: int
    blocked_at: float
    until: float | None

    def left_s(self, now: float) -> float | None:
        """For how long it holds on; None: for good. Never longer than it was made for, also where
        the clock was ahead then."""
        return None if self.until is None else min(self.until - now, self.until - self.blocked_at)


_FIELDS = tuple(Block.__dataclass_fields__)
_COLUMNS = ", ".join(_FIELDS)


def _block(row: sqlite3.Row) -> Block:
    return Block(**{name: row[name] for name in _FIELDS})


async def put(connection: Connection, *, block: Block) -> None:
    """Store a block, in place of an earlier one of the same person or server."""
    await connection.execute(
        f"INSERT OR REPLACE INTO blocks ({_COLUMNS})"  # noqa: S608 - names of our fields
        f" VALUES ({', '.join('?' * len(_FIELDS))})",
        [getattr(block, name) for name in _FIELDS],
    )


async def remove(
    connection: Connection, *, guild_id: int, subject: Subject, subject_id: int
) -> Block | None:
    """Take a block away; gives it, None where there was none."""
    async with connection.execute(
        f"DELETE FROM blocks WHERE guild_id = ? AND subject = ? AND subject_id = ?"  # noqa: S608
        f" RETURNING {_COLUMNS}",
        (guild_id, subject, subject_id),
    ) as cursor:
        rows = list(await cursor.fetchall())
    return _block(rows[0]) if rows else None


async def in_force(
    connection: Connection, *, user_id: int, guild_id: int | None, now: float
) -> Block | None:
    """What keeps `user_id` out of a server (None: a direct message), the widest block first."""
    async with connection.execute(
        f"SELECT {_COLUMNS} FROM blocks WHERE (until IS NULL OR until > ?4) AND ("  # noqa: S608
        " (guild_id = ?1 AND subject = 'guild' AND subject_id = ?3)"
        " OR (guild_id IN (?1, ?3) AND subject = 'user' AND subject_id = ?2))"
        " ORDER BY guild_id, subject LIMIT 1",
        (EVERYWHERE, user_id, guild_id, now),
    ) as cursor:
        row = await cursor.fetchone()
    return None if row is None else _block(row)


async def is_blocked(
    connection: Connection, *, user_id: int, guild_id: int | None, now: float
) -> bool:
    """Whether the person themselves is kept out of a server (None: a direct message)."""
    async with connection.execute(
        "SELECT 1 FROM blocks WHERE subject = 'user' AND subject_id = ? AND guild_id IN (?, ?)"
        " AND (until IS NULL OR until > ?) LIMIT 1",
        (user_id, EVERYWHERE, guild_id, now),
    ) as cursor:
        return await cursor.fetchone() is not None


async def of_guild(connection: Connection, *, guild_id: int, now: float) -> list[Block]:
    """The blocks in force that a server (0: the bot's owner) made, the newest first."""
    async with connection.execute(
        f"SELECT {_COLUMNS} FROM blocks WHERE guild_id = ?"  # noqa: S608 - names of our fields
        " AND (until IS NULL OR until > ?) ORDER BY blocked_at DESC, subject_id",
        (guild_id, now),
    ) as cursor:
        return [_block(row) for row in await cursor.fetchall()]


async def of_user(connection: Connection, *, user_id: int) -> list[Block]:
    """Every block of a person that is stored."""
    async with connection.execute(
        f"SELECT {_COLUMNS} FROM blocks WHERE subject = 'user' AND subject_id = ?",  # noqa: S608
        (user_id,),
    ) as cursor:
        return [_block(row) for row in await cursor.fetchall()]


async def begin_now(connection: Connection, *, now: float) -> None:
    """Let blocks with an end that a clock entered which was ahead begin now, as long as they were
    made for: else they would hold for as long as it was ahead."""
    await connection.execute(
        "UPDATE blocks SET until = ?1 + (until - blocked_at), blocked_at = ?1"
        " WHERE until IS NOT NULL AND blocked_at > ?1 + ?2",
        (now, CLOCK_STEP_S),
    )


async def expire(connection: Connection, *, now: float) -> None:
    """Remove blocks whose time is over."""
    await connection.execute("DELETE FROM blocks WHERE until <= ?", (now,))

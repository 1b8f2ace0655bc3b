"""The `blocks` table: who may not use the bot, in a server or anywhere."""

from dataclasses import dataclass
from typing import Final, Literal

from data.store.connection import Connection, Table
from data.store.times import CLOCK_STEP_S

Subject = Literal["user", "guild"]

EVERYWHERE: Final = 0
"""The `guild_id` of a block by the bot's owner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block of `subject_id`. Times are seconds since the epoch; `until` None: permanently."""

    guild_id: int
    subject: Subject
    subject_id: int
    reason: str
    blocked_by: int
    blocked_at: float
    until: float | None

    def left_s(self, now: float) -> float | None:
        """For how much longer it lasts; None: permanently. Never longer than its original duration,
        even if the clock was ahead then."""
        return None if self.until is None else min(self.until - now, self.until - self.blocked_at)


_BLOCKS = Table(Block, "blocks")


async def put(connection: Connection, *, block: Block) -> None:
    """Store a block, replacing an earlier one of the same person or server."""
    await remove(
        connection, guild_id=block.guild_id, subject=block.subject, subject_id=block.subject_id
    )
    await _BLOCKS.insert(connection, block)


async def remove(
    connection: Connection, *, guild_id: int, subject: Subject, subject_id: int
) -> Block | None:
    """Remove a block; returns it, or None if there was none."""
    row = await connection.first(
        "DELETE FROM blocks WHERE guild_id = ? AND subject = ? AND subject_id = ? RETURNING *",
        (guild_id, subject, subject_id),
    )
    return None if row is None else _BLOCKS.record(row)


async def in_force(
    connection: Connection, *, user_id: int, guild_id: int | None, now: float
) -> Block | None:
    """The blocks that apply to `user_id` in a server (None: a direct message), the widest first."""
    return await _BLOCKS.one(
        connection,
        "WHERE (until IS NULL OR until > ?4) AND ("
        " (guild_id = ?1 AND subject = 'guild' AND subject_id = ?3)"
        " OR (guild_id IN (?1, ?3) AND subject = 'user' AND subject_id = ?2))"
        " ORDER BY guild_id, subject LIMIT 1",
        (EVERYWHERE, user_id, guild_id, now),
    )


async def is_blocked(
    connection: Connection, *, user_id: int, guild_id: int | None, now: float
) -> bool:
    """Whether the person themselves is blocked in a server (None: a direct message)."""
    return await connection.exists(
        "SELECT 1 FROM blocks WHERE subject = 'user' AND subject_id = ? AND guild_id IN (?, ?)"
        " AND (until IS NULL OR until > ?) LIMIT 1",
        (user_id, EVERYWHERE, guild_id, now),
    )


async def of_guild(connection: Connection, *, guild_id: int, now: float) -> list[Block]:
    """The active blocks that a server (0: the bot's owner) made, newest first."""
    return await _BLOCKS.many(
        connection,
        "WHERE guild_id = ? AND (until IS NULL OR until > ?) ORDER BY blocked_at DESC, subject_id",
        (guild_id, now),
    )


async def of_user(connection: Connection, *, user_id: int) -> list[Block]:
    """All stored blocks of a person."""
    return await _BLOCKS.many(connection, "WHERE subject = 'user' AND subject_id = ?", (user_id,))


async def begin_now(connection: Connection, *, now: float) -> None:
    """Restart temporary blocks that were recorded while the clock was ahead, with their original
    duration; otherwise they would last longer by that much."""
    await connection.execute(
        "UPDATE blocks SET until = ?1 + (until - blocked_at), blocked_at = ?1"
        " WHERE until IS NOT NULL AND blocked_at > ?1 + ?2",
        (now, CLOCK_STEP_S),
    )


async def expire(connection: Connection, *, now: float) -> None:
    """Remove expired blocks."""
    await connection.execute("DELETE FROM blocks WHERE until <= ?", (now,))

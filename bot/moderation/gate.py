"""Who may ask, and where: maintenance, pauses, blocks, a server's allowed channels."""

from data.guilds import blocks, guild_settings
from data.guilds.blocks import EVERYWHERE
from data.store import maintenance, pause
from data.store.connection import Connection
from pipeline.errors import RefusedError


async def check_allowed(
    connection: Connection, *, user_id: int, guild_id: int | None, channel_id: int, now: float
) -> None:
    """Raises RefusedError if a person may not ask here now. `channel_id`: of a thread, its
    parent's.

    `maintenance`; `paused`, `paused_until`; `blocked`, `blocked_until`, `blocked_everywhere`,
    `guild_blocked`; `channel_not_allowed`.
    """
    await _check_block(connection, user_id=user_id, guild_id=guild_id, now=now)
    closed = await maintenance.get(connection)
    if closed is not None:
        raise RefusedError("maintenance", reason=closed.reason or "-")
    await _check_pause(connection, now=now)
    if guild_id is None:
        return
    allowed = await guild_settings.channels(connection, guild_id=guild_id, role="allowed")
    if allowed and channel_id not in allowed:
        raise RefusedError("channel_not_allowed", channels=tuple(f"<#{each}>" for each in allowed))


async def _check_pause(connection: Connection, *, now: float) -> None:
    pausing = await pause.get(connection)
    if pausing is None or not pausing.refuses or not pausing.lasts(now):
        return
    if pausing.until is None:
        raise RefusedError("paused")
    raise RefusedError("paused_until", retry_after_s=pausing.until - now)


async def _check_block(
    connection: Connection, *, user_id: int, guild_id: int | None, now: float
) -> None:
    block = await blocks.in_force(connection, user_id=user_id, guild_id=guild_id, now=now)
    if block is None:
        return
    reason = block.reason or "-"
    if block.subject == "guild":
        raise RefusedError("guild_blocked", reason=reason)
    if block.guild_id == EVERYWHERE:
        raise RefusedError("blocked_everywhere", reason=reason)
    left_s = block.left_s(now)
    if left_s is None:
        raise RefusedError("blocked", reason=reason)
    raise RefusedError("blocked_until", reason=reason, retry_after_s=left_s)

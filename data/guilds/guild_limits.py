"""The `guild_limits` table: limits for everyone in a server and for its roles."""

from data.guilds.server_settings import LIMIT_NAMES, LimitSet
from data.store.connection import Connection

_COLUMNS = ", ".join(LIMIT_NAMES)


async def of_guild(connection: Connection, *, guild_id: int) -> dict[int, LimitSet]:
    """The limits by role. `guild_id` is everyone's role, as in Discord."""
    rows = await connection.every(
        f"SELECT role_id, {_COLUMNS} FROM guild_limits WHERE guild_id = ?",  # noqa: S608 - fields
        (guild_id,),
    )
    return {
        int(row["role_id"]): LimitSet(**{name: row[name] for name in LIMIT_NAMES}) for row in rows
    }


async def put(connection: Connection, *, guild_id: int, role_id: int, limits: LimitSet) -> None:
    """Set the limits of a role; removes its row if none is set."""
    await connection.execute(
        "DELETE FROM guild_limits WHERE guild_id = ? AND role_id = ?", (guild_id, role_id)
    )
    if limits != LimitSet():
        marks = ", ".join("?" * (len(LIMIT_NAMES) + 2))
        await connection.execute(
            f"INSERT INTO guild_limits (guild_id, role_id, {_COLUMNS}) VALUES ({marks})",  # noqa: S608
            (guild_id, role_id, *(getattr(limits, name) for name in LIMIT_NAMES)),
        )

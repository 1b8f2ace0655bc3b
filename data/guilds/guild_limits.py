"""The `guild_limits` table: what moderators set for everyone of a server and for its roles."""

from dataclasses import dataclass
from typing import Final

from aiosqlite import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSet:
    """Limits of one role, or of one person by all their roles. None: not set, so the operator's
    bound alone counts; 0: none at all. `max_pixels`: width x height of one picture."""

    pictures_per_hour: int | None = None
    pictures_per_day: int | None = None
    upscales_per_day: int | None = None
    waiting_jobs: int | None = None
    max_count: int | None = None
    max_steps: int | None = None
    max_pixels: int | None = None
    weight: int | None = None


LIMIT_NAMES: Final = tuple(LimitSet.__dataclass_fields__)
_COLUMNS = ", ".join(LIMIT_NAMES)


async def of_guild(connection: Connection, *, guild_id: int) -> dict[int, LimitSet]:
    """What is set, by role. `guild_id` is everyone's role, as in Discord."""
    async with connection.execute(
        f"SELECT role_id, {_COLUMNS} FROM guild_limits WHERE guild_id = ?",  # noqa: S608 - fields
        (guild_id,),
    ) as cursor:
        return {
            int(row["role_id"]): LimitSet(**{name: row[name] for name in LIMIT_NAMES})
            for row in await cursor.fetchall()
        }


async def put(connection: Connection, *, guild_id: int, role_id: int, limits: LimitSet) -> None:
    """Set the limits of a role; where nothing is set any more, its row goes."""
    await connection.execute(
        "DELETE FROM guild_limits WHERE guild_id = ? AND role_id = ?", (guild_id, role_id)
    )
    if limits != LimitSet():
        marks = ", ".join("?" * (len(LIMIT_NAMES) + 2))
        await connection.execute(
            f"INSERT INTO guild_limits (guild_id, role_id, {_COLUMNS}) VALUES ({marks})",  # noqa: S608
            (guild_id, role_id, *(getattr(limits, name) for name in LIMIT_NAMES)),
        )

"""What servers and makers allow on the web page: `gallery_guilds`, `gallery_makers`.

`gallery_entries.on_web` is both together; every function here that changes one keeps it so.
"""

from dataclasses import dataclass

from aiosqlite import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class WebGuild:
    """A server with a public gallery, and what it is called."""

    guild_id: int
    name: str


async def guild_on_web(connection: Connection, *, guild_id: int) -> bool:
    """Whether the server shows its gallery on the web page. No, unless it said so."""
    return await _flag(connection, "SELECT on_web FROM gallery_guilds WHERE guild_id = ?", guild_id)


async def maker_on_web(connection: Connection, *, user_id: int) -> bool:
    """Whether this maker's pictures may be on the web page. No, unless they said so."""
    return await _flag(connection, "SELECT on_web FROM gallery_makers WHERE user_id = ?", user_id)


async def _flag(connection: Connection, sql: str, id: int) -> bool:  # noqa: A002
    async with connection.execute(sql, (id,)) as cursor:
        row = await cursor.fetchone()
    return bool(row and row[0])


async def guilds(connection: Connection) -> list[WebGuild]:
    """All servers with a public gallery, by name."""
    async with connection.execute(
        "SELECT guild_id, name FROM gallery_guilds WHERE on_web = 1 ORDER BY name, guild_id"
    ) as cursor:
        rows = await cursor.fetchall()
    return [WebGuild(guild_id=int(row[0]), name=str(row[1])) for row in rows]


async def set_guild(connection: Connection, *, guild_id: int, name: str, on_web: bool) -> None:
    """Say whether the server's gallery is public, and what it is called now."""
    await connection.execute(
        "INSERT INTO gallery_guilds (guild_id, name, on_web) VALUES (?, ?, ?)"
        " ON CONFLICT (guild_id) DO UPDATE SET name = excluded.name, on_web = excluded.on_web",
        (guild_id, name, int(on_web)),
    )
    await _keep(connection, "guild_id", guild_id)


async def set_guild_name(connection: Connection, *, guild_id: int, name: str) -> None:
    """What the server is called now; whether it is on the web is `guild_settings.gallery_web`'s to
    say, which a trigger copies."""
    await connection.execute(
        "INSERT INTO gallery_guilds (guild_id, name) VALUES (?, ?)"
        " ON CONFLICT (guild_id) DO UPDATE SET name = excluded.name WHERE name <> excluded.name",
        (guild_id, name),
    )


async def set_maker(connection: Connection, *, user_id: int, on_web: bool) -> None:
    """Say whether the maker's pictures may be public."""
    await connection.execute(
        "INSERT INTO gallery_makers (user_id, on_web) VALUES (?, ?)"
        " ON CONFLICT (user_id) DO UPDATE SET on_web = excluded.on_web",
        (user_id, int(on_web)),
    )
    await _keep(connection, "maker_id", user_id)


async def keep_entry(connection: Connection, *, picture_id: str) -> None:
    """Give a new entry what its server and maker said."""
    await _keep(connection, "picture_id", picture_id)


async def forget_maker(connection: Connection, *, user_id: int) -> None:
    """Remove what `user_id` said."""
    await connection.execute("DELETE FROM gallery_makers WHERE user_id = ?", (user_id,))
    await _keep(connection, "maker_id", user_id)


async def _keep(connection: Connection, column: str, value: object) -> None:
    sql = (
        "UPDATE gallery_entries SET on_web ="  # noqa: S608 - a column's name, see the callers
        " EXISTS (SELECT 1 FROM gallery_guilds g"
        "  WHERE g.guild_id = gallery_entries.guild_id AND g.on_web = 1)"
        " AND EXISTS (SELECT 1 FROM gallery_makers m"
        "  WHERE m.user_id = gallery_entries.maker_id AND m.on_web = 1)"
        f" WHERE {column} = ?"
    )
    await connection.execute(sql, (value,))

"""What servers and makers allow on the web page: `guild_settings.gallery_web` and `gallery_makers`.

`gallery_entries.on_web` combines both for public pictures (the view `gallery_public`): triggers
update it for servers, the functions here for makers and new entries. `gallery_guilds` has the names
of servers.
"""

from dataclasses import dataclass

from data.store.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class WebGuild:
    """A server with a public gallery, and its name."""

    guild_id: int
    name: str


async def guild_on_web(connection: Connection, *, guild_id: int) -> bool:
    """Whether the server shows its gallery on the web page. Off by default."""
    sql = "SELECT gallery_web FROM guild_settings WHERE guild_id = ?"
    return await _flag(connection, sql, guild_id)


async def maker_on_web(connection: Connection, *, user_id: int) -> bool:
    """Whether this maker's pictures may be on the web page. Off by default."""
    return await _flag(connection, "SELECT on_web FROM gallery_makers WHERE user_id = ?", user_id)


async def _flag(connection: Connection, sql: str, id: int) -> bool:  # noqa: A002
    return bool(await connection.value(sql, (id,)))


async def guilds(connection: Connection) -> list[WebGuild]:
    """All servers with a public gallery, by name."""
    rows = await connection.every(
        "SELECT s.guild_id, COALESCE(g.name, '') AS name FROM guild_settings s"
        " LEFT JOIN gallery_guilds g ON g.guild_id = s.guild_id WHERE s.gallery_web = 1"
        " ORDER BY name, s.guild_id"
    )
    return [WebGuild(**row) for row in rows]


async def set_guild_name(connection: Connection, *, guild_id: int, name: str) -> None:
    """Set the server's current name."""
    await connection.execute(
        "INSERT INTO gallery_guilds (guild_id, name) VALUES (?, ?)"
        " ON CONFLICT (guild_id) DO UPDATE SET name = excluded.name WHERE name <> excluded.name",
        (guild_id, name),
    )


async def set_maker(connection: Connection, *, user_id: int, on_web: bool) -> None:
    """Set whether the maker's pictures may be public."""
    await connection.execute(
        "INSERT INTO gallery_makers (user_id, on_web) VALUES (?, ?)"
        " ON CONFLICT (user_id) DO UPDATE SET on_web = excluded.on_web",
        (user_id, int(on_web)),
    )
    await _keep(connection, "maker_id", user_id)


async def makers(connection: Connection) -> list[int]:
    """All makers whose pictures may be public."""
    return await connection.column("SELECT user_id FROM gallery_makers WHERE on_web = 1")


async def keep_entry(connection: Connection, *, picture_id: str) -> None:
    """Initialise a new entry with the choices of its server and maker."""
    await _keep(connection, "picture_id", picture_id)


async def forget_maker(connection: Connection, *, user_id: int) -> None:
    """Remove the choice of `user_id`."""
    await connection.execute("DELETE FROM gallery_makers WHERE user_id = ?", (user_id,))
    await _keep(connection, "maker_id", user_id)


async def _keep(connection: Connection, column: str, value: object) -> None:
    sql = (
        "UPDATE gallery_entries SET on_web = EXISTS"  # noqa: S608 - a column's name, see the callers
        " (SELECT 1 FROM gallery_public WHERE entry = gallery_entries.number)"
        f" WHERE {column} = ?"
    )
    await connection.execute(sql, (value,))

"""The messages that show entries in Discord: `gallery_posts`, and what they have yet to follow."""

import sqlite3
from dataclasses import dataclass

from aiosqlite import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A message in a gallery channel. Of a forum `channel_id` is the forum, and the message lies in
    `thread_id`. `message_id` None: it was begun, and whether it arrived is not known.
    `shown`: what it says of stars and such. `gone`: its channel was deleted. `leaving`: we are
    taking it away."""

    entry_id: str
    guild_id: int
    channel_id: int
    thread_id: int | None
    message_id: int | None
    begun_at: float
    shown: str
    gone: bool
    leaving: bool

    @property
    def place_id(self) -> int:
        """The channel or thread in which the message lies."""
        return self.thread_id or self.channel_id


_FIELDS = tuple(Post.__dataclass_fields__)
_COLUMNS = ", ".join(_FIELDS)


def _post(row: sqlite3.Row) -> Post:
    values = {name: row[name] for name in _FIELDS}
    values["gone"], values["leaving"] = bool(values["gone"]), bool(values["leaving"])
    return Post(**values)


async def begin(
    connection: Connection, *, entry_id: str, guild_id: int, channel_id: int, now: float
) -> None:
    """A message is about to be sent."""
    await connection.execute(
        "INSERT INTO gallery_posts (entry_id, guild_id, channel_id, begun_at) VALUES (?, ?, ?, ?)",
        (entry_id, guild_id, channel_id, now),
    )


async def sent(
    connection: Connection, *, entry_id: str, thread_id: int | None, message_id: int, shown: str
) -> None:
    """The message is there."""
    await connection.execute(
        "UPDATE gallery_posts SET thread_id = ?, message_id = ?, shown = ? WHERE entry_id = ?",
        (thread_id, message_id, shown, entry_id),
    )


async def edited(connection: Connection, *, entry_id: str, shown: str) -> None:
    """The message says something else now."""
    await connection.execute(
        "UPDATE gallery_posts SET shown = ? WHERE entry_id = ?", (shown, entry_id)
    )


async def get(connection: Connection, *, entry_id: str) -> Post | None:
    """The message of an entry."""
    sql = f"SELECT {_COLUMNS} FROM gallery_posts WHERE entry_id = ?"  # noqa: S608 - our fields
    async with connection.execute(sql, (entry_id,)) as cursor:
        row = await cursor.fetchone()
    return None if row is None else _post(row)


async def of_message(connection: Connection, *, message_id: int) -> Post | None:
    """The post that is this message."""
    sql = f"SELECT {_COLUMNS} FROM gallery_posts WHERE message_id = ?"  # noqa: S608 - our fields
    async with connection.execute(sql, (message_id,)) as cursor:
        row = await cursor.fetchone()
    return None if row is None else _post(row)


async def leave(connection: Connection, *, entry_id: str) -> None:
    """The message is about to be taken away."""
    await connection.execute("UPDATE gallery_posts SET leaving = 1 WHERE entry_id = ?", (entry_id,))


async def forget(connection: Connection, *, entry_id: str) -> None:
    """The message is not there any more."""
    await connection.execute("DELETE FROM gallery_posts WHERE entry_id = ?", (entry_id,))


async def channel_gone(connection: Connection, *, channel_id: int) -> None:
    """The channel was deleted with its messages. Entries stay, without one."""
    await connection.execute(
        "UPDATE gallery_posts SET gone = 1 WHERE channel_id = ?", (channel_id,)
    )


async def changes(connection: Connection, *, limit: int) -> list[tuple[str, int, int | None]]:
    """(entry id, number of changes, server) of what messages have to follow; the server is None
    where there is neither an entry nor a message of it."""
    async with connection.execute(
        "SELECT c.entry_id, c.changes, COALESCE(e.guild_id, p.guild_id) FROM gallery_changes c"
        " LEFT JOIN gallery_entries e ON e.id = c.entry_id"
        " LEFT JOIN gallery_posts p ON p.entry_id = c.entry_id LIMIT ?",
        (limit,),
    ) as cursor:
        return [(str(row[0]), int(row[1]), row[2]) for row in await cursor.fetchall()]


async def followed(connection: Connection, *, entry_id: str, changes: int) -> None:
    """The message followed all but what changed since `changes` was read."""
    await connection.execute(
        "DELETE FROM gallery_changes WHERE entry_id = ? AND changes = ?", (entry_id, changes)
    )


async def checks(connection: Connection) -> list[tuple[int, int]]:
    """(server, number of changes) of servers whose entries are to be looked at."""
    async with connection.execute("SELECT guild_id, changes FROM gallery_checks") as cursor:
        return [(int(row[0]), int(row[1])) for row in await cursor.fetchall()]


async def ask_check(connection: Connection, *, guild_id: int) -> None:
    """Have the entries of a server looked at: a channel changed."""
    await connection.execute(
        "INSERT INTO gallery_checks (guild_id) VALUES (?)"
        " ON CONFLICT (guild_id) DO UPDATE SET changes = changes + 1",
        (guild_id,),
    )


async def checked(connection: Connection, *, guild_id: int, changes: int) -> None:
    """The server was looked at."""
    await connection.execute(
        "DELETE FROM gallery_checks WHERE guild_id = ? AND changes = ?", (guild_id, changes)
    )

"""The messages that show entries in Discord: `gallery_posts`."""

from dataclasses import dataclass

from data.guilds import outbox
from data.store.connection import Connection, Table


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


_POSTS = Table(Post, "gallery_posts", read={"gone": bool, "leaving": bool})


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
    return await _POSTS.one(connection, "WHERE entry_id = ?", (entry_id,))


async def of_message(connection: Connection, *, message_id: int) -> Post | None:
    """The post that is this message."""
    return await _POSTS.one(connection, "WHERE message_id = ?", (message_id,))


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


async def ask_check(connection: Connection, *, guild_id: int) -> None:
    """Have the entries of a server looked at: a channel changed."""
    await outbox.put(
        connection,
        kind="gallery_check",
        key=str(guild_id),
        lane=f"gallery:{guild_id}",
        guild_id=guild_id,
    )

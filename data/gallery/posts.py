"""The messages that show entries in Discord: `gallery_posts`."""

from dataclasses import dataclass

from data.guilds import outbox
from data.store.connection import Connection, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A message in a gallery channel. In a forum `channel_id` is the forum, and the message is in
    `thread_id`. `message_id` None: it was started, but it is not known whether it arrived. `shown`:
    its variable content, such as stars. `gone`: its channel was deleted. `leaving`: it is being
    removed."""

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
        """The channel or thread that contains the message."""
        return self.thread_id or self.channel_id


_POSTS = Table(Post, "gallery_posts", read={"gone": bool, "leaving": bool})


async def begin(
    connection: Connection, *, entry_id: str, guild_id: int, channel_id: int, now: float
) -> None:
    """Record that a message is about to be sent."""
    await connection.execute(
        "INSERT INTO gallery_posts (entry_id, guild_id, channel_id, begun_at) VALUES (?, ?, ?, ?)",
        (entry_id, guild_id, channel_id, now),
    )


async def sent(
    connection: Connection, *, entry_id: str, thread_id: int | None, message_id: int, shown: str
) -> None:
    """Record that the message arrived."""
    await connection.execute(
        "UPDATE gallery_posts SET thread_id = ?, message_id = ?, shown = ? WHERE entry_id = ?",
        (thread_id, message_id, shown, entry_id),
    )


async def edited(connection: Connection, *, entry_id: str, shown: str) -> None:
    """Record the message's new content."""
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
    """Record that the message is about to be removed."""
    await connection.execute("UPDATE gallery_posts SET leaving = 1 WHERE entry_id = ?", (entry_id,))


async def forget(connection: Connection, *, entry_id: str) -> None:
    """Record that the message no longer exists."""
    await connection.execute("DELETE FROM gallery_posts WHERE entry_id = ?", (entry_id,))


async def channel_gone(connection: Connection, *, channel_id: int) -> None:
    """The channel was deleted with its messages. Entries stay without a message."""
    await connection.execute(
        "UPDATE gallery_posts SET gone = 1 WHERE channel_id = ?", (channel_id,)
    )


async def ask_check(connection: Connection, *, guild_id: int) -> None:
    """Queue a check of a server's entries, because a channel changed."""
    await outbox.put(
        connection,
        kind="gallery_check",
        key=str(guild_id),
        lane=f"gallery:{guild_id}",
        guild_id=guild_id,
    )

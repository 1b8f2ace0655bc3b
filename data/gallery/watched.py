"""Which messages show which pictures, to attribute stars under them.

A job's own message is in `jobs.message_id`, one in a gallery channel in `gallery_posts`, others
(`/show`) in `gallery_watched`.
"""

from dataclasses import dataclass

from data.store.connection import Connection, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One of our messages with pictures. `picture_id` None: those of the whole job, in order.
    `in_gallery`: it is the message of an entry. `made_in`: the channel where the job was made;
    `rules_channel_id`: as in `jobs`, for a thread its parent."""

    message_id: int
    channel_id: int
    made_in: int
    rules_channel_id: int | None
    guild_id: int
    job_id: str
    picture_id: str | None
    in_gallery: bool


_ALL = (
    "SELECT j.message_id AS message_id, j.channel_id AS channel_id,"
    " j.channel_id AS made_in, j.rules_channel_id AS rules_channel_id, j.guild_id AS guild_id,"
    " j.id AS job_id, NULL AS picture_id, 0 AS in_gallery, j.ended_at AS at FROM jobs j"
    " WHERE j.message_id IS NOT NULL AND j.private = 0 AND j.guild_id IS NOT NULL"
    " AND j.state = 'finished'"
    " UNION ALL SELECT w.message_id, w.channel_id, j.channel_id,"
    " j.rules_channel_id, j.guild_id, j.id,"
    " w.picture_id, 0, w.seen_at"
    " FROM gallery_watched w JOIN jobs j ON j.id = w.job_id WHERE j.guild_id IS NOT NULL"
    " UNION ALL SELECT p.message_id, COALESCE(p.thread_id, p.channel_id), e.channel_id,"
    " g.rules_channel_id, p.guild_id, r.job_id,"
    " r.id, 1, p.begun_at FROM gallery_posts p JOIN gallery_entries e ON e.id = p.entry_id"
    " JOIN pictures r ON r.id = e.picture_id JOIN jobs g ON g.id = r.job_id"
    " WHERE p.message_id IS NOT NULL AND p.gone = 0 AND p.leaving = 0"
)


_WATCHED = Table(Watched, f"({_ALL})", read={"in_gallery": bool})


async def watch(
    connection: Connection,
    *,
    message_id: int,
    channel_id: int,
    job_id: str,
    picture_id: str | None,
    now: float,
) -> None:
    """Count stars under this message for the job's pictures, or for the given one."""
    await connection.execute(
        "INSERT INTO gallery_watched (message_id, channel_id, job_id, picture_id, seen_at)"
        " SELECT ?, ?, id, ?, ? FROM jobs WHERE id = ? ON CONFLICT DO NOTHING",
        (message_id, channel_id, picture_id, now, job_id),
    )


async def find(connection: Connection, *, message_id: int) -> Watched | None:
    """What a message shows, if it is one of ours that can be starred."""
    return await _WATCHED.one(connection, "WHERE message_id = ?", (message_id,))


async def subject_of(connection: Connection, *, message_id: int) -> str | None:
    """The id of the job or the picture that one of our messages shows, also in direct messages."""
    found = await connection.column(
        "SELECT id FROM jobs WHERE message_id = ?1"
        " UNION ALL SELECT COALESCE(picture_id, job_id) FROM gallery_watched WHERE message_id = ?1"
        " UNION ALL SELECT e.picture_id FROM gallery_posts p"
        " JOIN gallery_entries e ON e.id = p.entry_id WHERE p.message_id = ?1",
        (message_id,),
    )
    return next(iter(found), None)


async def recent(
    connection: Connection, *, guild_id: int, since: float, limit: int
) -> list[Watched]:
    """Messages of a server since `since`, newest first."""
    return await _WATCHED.many(
        connection,
        "WHERE guild_id = ? AND at >= ? ORDER BY message_id DESC LIMIT ?",
        (guild_id, since, limit),
    )


async def starred(connection: Connection, *, guild_id: int) -> frozenset[int]:
    """Messages of a server with known stars."""
    return frozenset(
        await connection.column(
            "SELECT DISTINCT s.message_id FROM gallery_stars s JOIN gallery_entries e"
            " ON e.number = s.entry WHERE e.guild_id = ? AND s.message_id <> 0",
            (guild_id,),
        )
    )


async def forget(connection: Connection, *, message_id: int) -> None:
    """Forget a deleted message."""
    await connection.execute("DELETE FROM gallery_watched WHERE message_id = ?", (message_id,))

"""Queries of the `jobs` table that are about one person."""

from data.store.connection import Connection


async def latest_locale(connection: Connection, *, user_id: int) -> str | None:
    """The locale of a person's latest job, preferably one that only they read, since others are in
    the language of the server. None: they have no job."""
    return await connection.value(
        "SELECT locale FROM jobs WHERE user_id = ?"
        " ORDER BY (private OR guild_id IS NULL) DESC, accepted_at DESC LIMIT 1",
        (user_id,),
    )


async def open_ids(
    connection: Connection, *, user_id: int, guild_id: int | None = None
) -> list[str]:
    """The waiting and running jobs of one person, in one server or anywhere, oldest first."""
    return await connection.column(
        "SELECT id FROM jobs WHERE user_id = ?1 AND state IN ('queued', 'running')"
        " AND (?2 IS NULL OR guild_id = ?2) ORDER BY accepted_at, rowid",
        (user_id, guild_id),
    )


async def latest_id(connection: Connection, *, user_id: int) -> str | None:
    """The job that a person asked for last, however it ended."""
    return await connection.value(
        "SELECT id FROM jobs WHERE user_id = ? ORDER BY accepted_at DESC, rowid DESC LIMIT 1",
        (user_id,),
    )


async def init_pictures(connection: Connection, *, user_id: int) -> list[str]:
    """The content hashes of pictures from which jobs of `user_id` started."""
    return await connection.column(
        "SELECT DISTINCT init_picture FROM jobs WHERE user_id = ? AND init_picture IS NOT NULL",
        (user_id,),
    )


async def delete_of_user(connection: Connection, *, user_id: int) -> None:
    """Remove all jobs of `user_id`, as `delete` does."""
    await connection.execute("DELETE FROM jobs WHERE user_id = ?", (user_id,))

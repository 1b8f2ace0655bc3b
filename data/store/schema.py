"""What a database of any version consists of."""

from data.store.connection import Connection


async def names(connection: Connection) -> set[str]:
    """The names of its tables, views, indexes and triggers."""
    return set(await connection.column("SELECT name FROM sqlite_schema"))

"""Who is stored, in any table."""

from typing import Final

from data.store.connection import Connection

COLUMNS: Final = frozenset(
    {"user_id", "maker_id", "owner_id", "by_id", "added_by", "shared_by", "decided_by"}
)
"""What columns with a person's id are called, if something is removed there when they leave.
Blocks, and what moderators did, stay."""


async def ids(connection: Connection) -> set[int]:
    """The ids of all people in a database of any version."""
    rows = await connection.every(
        "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c"
        " WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%'"
    )
    found: set[int] = set()
    for table, column in (row for row in rows if row[1] in COLUMNS):
        found |= set(
            await connection.column(
                f'SELECT DISTINCT "{column}" FROM "{table}" WHERE "{column}" IS NOT NULL'  # noqa: S608
            )
        )
    return found

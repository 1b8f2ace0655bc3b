"""What Discord rejects: the parked items of the outbox, even while a bot is running."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from bot.doctor.values import Check, ok, warn
from data.store.database import DATABASE_NAME

_SHOWN: Final = 5


def check_outbox(data_dir: Path) -> Check:
    """Check whether anything is parked; lists the newest refusals by kind and server."""
    path = data_dir / DATABASE_NAME
    if not path.exists():
        return ok("Outbox", "nothing waits")
    address = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=2)) as connection:
        if not _has_outbox(connection):
            return ok("Outbox", "none yet: the database is of an older version")
        waiting, parked = (_count(connection, state) for state in ("waiting", "parked"))
        refusals = connection.execute(
            "SELECT kind, guild_id, count(*), max(last_error) FROM outbox WHERE state = 'parked'"
            " GROUP BY kind, guild_id ORDER BY count(*) DESC LIMIT ?",
            (_SHOWN,),
        ).fetchall()
    if not parked:
        return ok("Outbox", f"{waiting} waiting, nothing is refused")
    shown = "; ".join(
        f"{count} {kind}{'' if guild is None else f' of server {guild}'}: {error}"
        for kind, guild, count, error in refusals
    )
    fix = (
        "Discord refuses these. They are tried again every six hours and when the server's "
        "settings or permissions change; see docs/operations.md."
    )
    return warn("Outbox", f"{waiting} waiting, {parked} refused: {shown}", fix)


def _has_outbox(connection: sqlite3.Connection) -> bool:
    row = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'outbox'").fetchone()
    return row is not None


def _count(connection: sqlite3.Connection, state: str) -> int:
    row = connection.execute("SELECT count(*) FROM outbox WHERE state = ?", (state,)).fetchone()
    return int(row[0])

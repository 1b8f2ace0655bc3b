"""Why jobs failed, for readers outside the bot."""

import json
import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path


def recent(path: Path, *, since: float, keys: Collection[str]) -> dict[str, int]:
    """How many jobs ended with each error of `keys` since then (seconds since the epoch). Writes
    nothing; raises `sqlite3.Error` if the database can't be read."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=2)) as connection:
        rows = connection.execute(
            "SELECT json_extract(error, '$.key') AS key, COUNT(*) FROM jobs"
            " WHERE state = 'failed' AND ended_at >= ?"
            " AND json_extract(error, '$.key') IN (SELECT value FROM json_each(?)) GROUP BY 1",
            (since, json.dumps(list(keys))),
        ).fetchall()
    return {str(key): int(count) for key, count in rows}

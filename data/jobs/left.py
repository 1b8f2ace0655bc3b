"""What a running bot still has to do, read by another process."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from data.store.database import storage_errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """`to_draw`: waiting and running jobs. `to_deliver`: ended ones that were not delivered yet."""

    to_draw: int
    to_deliver: int


def read_left(database: Path) -> Left:
    """Count in the bot's database without writing to it. StorageError if it can't be read."""
    address = f"{database.absolute().as_uri()}?mode=ro"
    with (
        storage_errors(database),
        closing(sqlite3.connect(address, uri=True)) as connection,
    ):
        (to_draw,) = connection.execute(
            "SELECT COUNT(*) FROM jobs WHERE state IN ('queued', 'running')"
        ).fetchone()
        (to_deliver,) = connection.execute(
            "SELECT COUNT(*) FROM jobs WHERE delivery = 'pending' AND ended_at IS NOT NULL"
        ).fetchone()
    return Left(to_draw=to_draw, to_deliver=to_deliver)

"""The `withheld` table: pictures that are shown to nobody until a moderator releases them."""

import json
from dataclasses import asdict, dataclass
from typing import Literal

from data.jobs.checks import CheckRecord
from data.jobs.pictures import PictureRecord
from data.store.connection import Connection, Table
from data.store.damage import object_of, rating_of
from pipeline.rating import Rating

Reason = Literal["rating", "minor", "unchecked"]
State = Literal["deleted", "waiting", "released", "discarded"]
Decision = Literal["released", "discarded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WithheldRecord:
    """A withheld picture. `ceiling`: what its place allowed. `seen`: None if the tagger failed.

    `picture`: the row to store on release, while it waits for a moderator. Also None if that row is
    damaged; then it can only be discarded.
    """

    id: str
    job_id: str
    position: int
    reason: Reason
    ceiling: Rating
    seen: CheckRecord | None
    picture: PictureRecord | None
    state: State
    withheld_at: float
    decided_by: int | None = None
    decided_at: float | None = None

    @property
    def content_hash(self) -> str | None:
        """The hash of the file, while there is one."""
        return self.picture.content_hash if self.state == "waiting" and self.picture else None


def _picture(stored: str | None) -> PictureRecord | None:
    """The row to store on release; None if there is none or it can't be read."""
    kept = object_of(stored or "")
    try:
        kept["rating"] = rating_of(kept["rating"])
        return PictureRecord(**kept)
    except (LookupError, TypeError):
        return None


_WITHHELD = Table(
    WithheldRecord,
    "withheld",
    read={
        "ceiling": lambda stored: rating_of(stored, ceiling=True),
        "seen": CheckRecord.from_json,
        "picture": _picture,
    },
    write={
        "seen": lambda seen: "{}" if seen is None else seen.to_json(),
        "picture": lambda picture: None if picture is None else json.dumps(asdict(picture)),
    },
)


async def insert(connection: Connection, *, record: WithheldRecord) -> None:
    """Store a withheld picture; if it waits for a moderator, its file must exist."""
    await _WITHHELD.insert(connection, record, content_hash=record.content_hash)


async def get(connection: Connection, *, withheld_id: str) -> WithheldRecord | None:
    """The withheld picture with this id, in any state."""
    return await _WITHHELD.one(connection, "WHERE id = ?", (withheld_id,))


async def of_job(connection: Connection, *, job_id: str) -> list[WithheldRecord]:
    """Everything of a job that is still withheld, in order; released ones are pictures."""
    return await _WITHHELD.many(
        connection, "WHERE job_id = ? AND state <> 'released' ORDER BY position", (job_id,)
    )


async def waiting(
    connection: Connection, *, guild_id: int, after: str | None = None
) -> WithheldRecord | None:
    """The oldest picture of a server that waits for a moderator; with `after` the one that follows
    it, or the first again after the last."""
    return await _WITHHELD.one(
        connection,
        "WHERE state = 'waiting' AND (SELECT guild_id FROM jobs WHERE id = job_id) = ?1"
        " ORDER BY (?2 IS NOT NULL AND (withheld_at, id) <="
        " (SELECT withheld_at, id FROM withheld WHERE id = ?2)), withheld_at, id LIMIT 1",
        (guild_id, after),
    )


async def waiting_ids(connection: Connection) -> list[str]:
    """All pictures that wait for a moderator."""
    return await connection.column("SELECT id FROM withheld WHERE state = 'waiting'")


async def count_waiting(connection: Connection, *, guild_id: int) -> int:
    """How many pictures of a server wait for a moderator."""
    return await connection.value(
        "SELECT COUNT(*) FROM withheld JOIN jobs ON jobs.id = job_id"
        " WHERE withheld.state = 'waiting' AND guild_id = ?",
        (guild_id,),
    )


async def decide(
    connection: Connection, *, withheld_id: str, decision: Decision, by: int | None, now: float
) -> bool:
    """Store a moderator's decision; False if it is no longer waiting: the first decision counts.
    Deletes the row kept for release. A damaged row, which can't be changed, is removed when it is
    discarded."""
    if await connection.changes(
        "UPDATE OR IGNORE withheld SET state = ?, decided_by = ?, decided_at = ?, picture = NULL,"
        " content_hash = NULL WHERE id = ? AND state = 'waiting'",
        (decision, by, now, withheld_id),
    ):
        return True
    return decision == "discarded" and await connection.changes(
        "DELETE FROM withheld WHERE id = ? AND state = 'waiting'", (withheld_id,)
    )


async def expire(connection: Connection, *, before: float, now: float) -> list[str]:
    """Discard what has been waiting since before `before`; returns the hashes of the files."""
    rows = await connection.every(
        "SELECT id, content_hash FROM withheld WHERE state = 'waiting' AND withheld_at <= ?",
        (before,),
    )
    found = [(str(row[0]), str(row[1])) for row in rows]
    return [
        content_hash
        for withheld_id, content_hash in found
        if await decide(connection, withheld_id=withheld_id, decision="discarded", by=None, now=now)
    ]


async def discard_of_job(connection: Connection, *, job_id: str, now: float) -> list[str]:
    """Discard waiting pictures of a job that ended without any. Returns the files' hashes."""
    found = await files_of_job(connection, job_id=job_id)
    for record in await of_job(connection, job_id=job_id):
        await decide(connection, withheld_id=record.id, decision="discarded", by=None, now=now)
    return found


async def files_of_job(connection: Connection, *, job_id: str) -> list[str]:
    """The file hashes of the job's withheld pictures."""
    return await _hashes(connection, "job_id = ?", job_id)


async def files_of_user(connection: Connection, *, user_id: int) -> list[str]:
    """The same for all jobs of a person."""
    return await _hashes(connection, "job_id IN (SELECT id FROM jobs WHERE user_id = ?)", user_id)


async def uses_file(connection: Connection, *, content_hash: str) -> bool:
    """Whether any withheld picture's file has this hash."""
    return bool(await _hashes(connection, "content_hash = ?", content_hash))


async def hashes_from(connection: Connection, *, prefix: str) -> set[str]:
    """The content hashes that begin with `prefix` (hex digits)."""
    # "g" is the letter after the last hex digit.
    return set(await _hashes(connection, "content_hash BETWEEN ?1 AND ?1 || 'g'", prefix))


async def _hashes(connection: Connection, condition: str, value: object) -> list[str]:
    return await connection.column(
        "SELECT DISTINCT content_hash FROM withheld WHERE content_hash IS NOT NULL"  # noqa: S608
        f" AND {condition}",
        (value,),
    )

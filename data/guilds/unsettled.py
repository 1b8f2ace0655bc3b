"""What a restored database still wanted to do: most of it may have been done since its backup."""

from dataclasses import dataclass
from typing import Final

from data.jobs import jobs, pictures, quota, withheld
from data.store import schema
from data.store.connection import Connection

REPEATABLE: Final = ("message_removal", "gallery_check", "gallery_entry")
"""Kinds of the outbox that do nothing if they were done before. Others would be sent twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """`ended`: jobs that were open. `kept`: ended ones that were not delivered. `dropped`: messages
    of the outbox. `freed`: hashes of files that nothing may need now."""

    ended: int
    kept: int
    dropped: int
    freed: tuple[str, ...]


async def settle(connection: Connection, *, error: str, now: float) -> Settled:
    """End everything that would be told to Discord, without telling it.

    Open jobs fail with `error` (as stored with a job) and are refunded. Finished pictures that were
    not delivered stay in their owner's history. Databases from 14 on are understood.
    """
    freed: list[str] = []
    open_ids = await connection.column("SELECT id FROM jobs WHERE state IN ('queued', 'running')")
    tables = await schema.names(connection)
    for job_id in open_ids:
        await jobs.mark_ended(connection, job_id=job_id, state="failed", now=now, error=error)
        await quota.refund(connection, job_id=job_id)
        freed += await pictures.delete_of_job(connection, job_id=job_id)
        freed += await withheld.discard_of_job(connection, job_id=job_id, now=now)
    pending = await connection.execute(
        "UPDATE jobs SET delivery = 'kept', delivered_at = ?, interaction_token = NULL"
        " WHERE delivery = 'pending'",
        (now,),
    )
    return Settled(
        ended=len(open_ids),
        kept=pending.rowcount - len(open_ids),
        dropped=await _drop_messages(connection, tables),
        freed=tuple(freed),
    )


async def _drop_messages(connection: Connection, tables: set[str]) -> int:
    """Returns how many messages will not be sent."""
    await connection.execute("UPDATE audit_log SET posted = 1 WHERE posted = 0")
    if "maker_news" in tables:
        await connection.execute("UPDATE maker_news SET state = 'told' WHERE state <> 'told'")
    marks = ", ".join("?" * len(REPEATABLE))
    dropped = await connection.execute(
        f"DELETE FROM outbox WHERE kind NOT IN ({marks})",  # noqa: S608 - only marks
        REPEATABLE,
    )
    return dropped.rowcount

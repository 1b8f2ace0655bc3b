"""The `jobs` table: one row per accepted request."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from data.store.connection import Connection, Table
from data.store.damage import rating_of
from data.store.words import searchable
from pipeline.card import QualityPreset, Sampler
from pipeline.rating import Rating
from pipeline.request import GenerationRequest, ResolvedRequest

JobState = Literal["queued", "running", "finished", "failed", "cancelled"]
Delivery = Literal["pending", "delivered", "kept"]
Delivered = Literal["delivered", "kept"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """A job as stored. Times are seconds since the epoch. The token never shows in a repr.

    `ceiling`: the highest rating that its place allowed when it was accepted, by the settings of
    `rules_channel_id`. Both are None for jobs of older versions. `attempts`: how often the process
    ended without warning while the job was being drawn.
    """

    id: str
    user_id: int
    guild_id: int | None
    channel_id: int
    private: bool
    rating: Rating
    request: ResolvedRequest
    weight: int
    locale: str
    state: JobState
    error: str | None
    delivery: Delivery
    application_id: int
    interaction_token: str | None
    token_expires_at: float
    message_id: int | None
    accepted_at: float
    started_at: float | None
    ended_at: float | None
    ceiling: Rating | None = None
    rules_channel_id: int | None = None
    attempts: int = 0

    @property
    def damaged(self) -> bool:
        """Whether the request can't be read: it was damaged, or written by another version. The
        rest of the row is valid."""
        return self.request is _UNREADABLE

    def __repr__(self) -> str:
        return f"JobRecord(id={self.id!r}, user_id={self.user_id}, state={self.state!r})"


_UNREADABLE = ResolvedRequest(
    prompt="", negative_prompt="", width=1024, height=1024, preset=QualityPreset.NONE,
    rating=max(Rating), sampler=Sampler.EULER_A, num_inference_steps=1, guidance_scale=1.0, seed=0,
    count=1, private=True, original=GenerationRequest(prompt=""),
)  # fmt: skip


def _request(stored: str) -> ResolvedRequest:
    """The request; `_UNREADABLE` if it can't be read."""
    try:
        return ResolvedRequest.from_json(stored)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return _UNREADABLE


def _ceiling(stored: int | None) -> Rating | None:
    return None if stored is None else rating_of(stored, ceiling=True)


_JOBS = Table(
    JobRecord,
    "jobs",
    read={"private": bool, "rating": rating_of, "request": _request, "ceiling": _ceiling},
    write={"request": ResolvedRequest.to_json},
)


async def insert(connection: Connection, *, job: JobRecord) -> None:
    """Store a new job."""
    await _JOBS.insert(
        connection,
        job,
        pictures=job.request.count,
        init_picture=job.request.init_picture or None,
        words=_words(job.request),
    )
    if job.request.mask:
        await connection.execute(
            "INSERT INTO job_masks (job_id, mask) VALUES (?, ?)", (job.id, job.request.mask)
        )


def _words(request: ResolvedRequest) -> str:
    """The text searched in the history: everything typed except the negative prompt, and what was
    chosen in it."""
    typed = request.original
    chosen = dict.fromkeys(word for each in request.chosen for word in each.words if word)
    texts = (typed.character, typed.series, typed.prompt, typed.tags, *chosen)
    return searchable(", ".join(texts))


async def get(connection: Connection, *, job_id: str) -> JobRecord | None:
    """The job `job_id`, if there is one."""
    return await _JOBS.one(connection, "WHERE id = ?", (job_id,))


async def open_jobs(connection: Connection) -> list[JobRecord]:
    """Waiting and running jobs, oldest first."""
    return await _JOBS.many(
        connection, "WHERE state IN ('queued', 'running') ORDER BY accepted_at, rowid"
    )


async def unsettled_ids(connection: Connection) -> list[str]:
    """Open and undelivered jobs, without reading their requests."""
    return await connection.column(
        "SELECT id FROM jobs WHERE state IN ('queued', 'running')"
        " UNION ALL SELECT id FROM jobs WHERE delivery = 'pending' AND ended_at IS NOT NULL"
    )


async def undelivered(connection: Connection) -> list[JobRecord]:
    """Ended jobs that were not delivered yet, oldest first."""
    return await _JOBS.many(
        connection,
        "WHERE delivery = 'pending' AND ended_at IS NOT NULL ORDER BY ended_at, rowid",
    )


async def any_stored(connection: Connection) -> bool:
    """Whether there is any job, open or ended."""
    return await connection.exists("SELECT 1 FROM jobs LIMIT 1")


async def all_ids(connection: Connection) -> list[str]:
    """All jobs, open or ended."""
    return await connection.column("SELECT id FROM jobs")


async def count_open(
    connection: Connection, *, user_id: int | None = None, guild_id: int | None = None
) -> int:
    """How many jobs wait or run: of one person or of all, in one server or anywhere."""
    return await connection.value(
        "SELECT COUNT(*) FROM jobs WHERE state IN ('queued', 'running')"
        " AND (?1 IS NULL OR user_id = ?1) AND (?2 IS NULL OR guild_id = ?2)",
        (user_id, guild_id),
    )


async def mark_running(connection: Connection, *, job_id: str, now: float) -> None:
    """Record that the first picture of the job is being drawn."""
    await connection.execute(
        "UPDATE jobs SET state = 'running', started_at = COALESCE(started_at, ?)"
        " WHERE id = ? AND state = 'queued'",
        (now, job_id),
    )


async def mark_ended(
    connection: Connection,
    *,
    job_id: str,
    state: Literal["finished", "failed", "cancelled"],
    now: float,
    error: str | None = None,
) -> bool:
    """End an open job; False if it had already ended (the first end counts).

    Finished pictures are delivered whatever was reported before: they replace a failure that was
    reported but could not be stored before a crash.
    """
    return await connection.changes(
        "UPDATE jobs SET state = ?, error = ?, ended_at = ?,"
        " delivery = CASE ?1 WHEN 'finished' THEN 'pending' ELSE delivery END"
        " WHERE id = ? AND state IN ('queued', 'running')",
        (state, error, now, job_id),
    )


async def set_message(connection: Connection, *, job_id: str, message_id: int) -> None:
    """Store which message shows the job, unless one already shows its end."""
    await connection.execute(
        "UPDATE jobs SET message_id = COALESCE(message_id, ?) WHERE id = ?", (message_id, job_id)
    )


async def mark_delivered(
    connection: Connection,
    *,
    job_id: str,
    delivery: Delivered,
    message_id: int | None,
    now: float,
    told: Collection[str] | None = None,
) -> bool:
    """Record that the end of the job reached its user or can't; deletes its interaction token.
    False: the job was deleted meanwhile.

    `told`: the ids of the pictures that the end had. A job of which another one was released
    meanwhile still has to be delivered. None: whatever it has.
    """
    cursor = await connection.execute(
        "UPDATE jobs SET delivery = ?1, message_id = COALESCE(?2, message_id), delivered_at = ?3,"
        " interaction_token = NULL WHERE id = ?4 AND (?5 IS NULL OR NOT EXISTS"
        " (SELECT 1 FROM withheld JOIN pictures USING (id) WHERE withheld.job_id = ?4"
        " AND withheld.state = 'released' AND id NOT IN (SELECT value FROM json_each(?5))))",
        (delivery, message_id, now, job_id, None if told is None else json.dumps(sorted(told))),
    )
    if cursor.rowcount == 1:
        return True
    cursor = await connection.execute(
        "UPDATE jobs SET message_id = COALESCE(?, message_id) WHERE id = ?", (message_id, job_id)
    )
    return cursor.rowcount == 1


async def deliver_again(connection: Connection, *, job_id: str) -> None:
    """Add a picture to an ended job: it has to be delivered, whatever was reported before."""
    await connection.execute(
        "UPDATE jobs SET state = 'finished', error = NULL, delivery = 'pending',"
        " delivered_at = NULL WHERE id = ? AND ended_at IS NOT NULL",
        (job_id,),
    )


async def page_of_user(
    connection: Connection, *, user_id: int, after: JobRecord | None, limit: int
) -> list[JobRecord]:
    """Up to `limit` jobs of one person after `after` (None: from the oldest)."""
    start = (float("-inf"), "") if after is None else (after.accepted_at, after.id)
    return await _JOBS.many(
        connection,
        "WHERE user_id = ? AND (accepted_at, id) > (?, ?) ORDER BY accepted_at, id LIMIT ?",
        (user_id, *start, limit),
    )


async def is_needed(connection: Connection, *, content_hash: str) -> bool:
    """Whether an open job starts from the picture with this hash, or has it as its mask."""
    return await connection.exists(
        "SELECT 1 FROM jobs WHERE init_picture = ?1 AND state IN ('queued', 'running')"
        " UNION ALL SELECT 1 FROM job_masks m JOIN jobs j ON j.id = m.job_id"
        " WHERE m.mask = ?1 AND j.state IN ('queued', 'running') LIMIT 1",
        (content_hash,),
    )


async def delete(connection: Connection, *, job_id: str) -> None:
    """Remove a job with its pictures and their marks; its quota stays used."""
    await connection.execute("DELETE FROM jobs WHERE id = ?", (job_id,))

"""Everything that is stored about a person, as ZIP files: one record in JSON, and their pictures.

Only interaction tokens (a secret of Discord's, deleted after delivery) and other people's marks are
left out. Only the part being sent is held in memory; parts are built in a temporary file.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any, Final

from bot.common.clock import Clock
from bot.jobs.accept.limits import in_pictures
from bot.jobs.keep.files import KeptFiles
from bot.library.packing import PackedFile, in_a_thread, packed
from data.gallery import collections, entries, votes, web
from data.guilds import audit, blocks, reports
from data.guilds.audit import AuditEntry
from data.guilds.blocks import Block
from data.jobs import jobs, pictures, quota, quota_grants, uploads
from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from data.people import favourites, news, presets, tag_uses, user_defaults, web_sessions
from data.people.web_sessions import WebSession
from data.store.connection import Connection
from data.store.damage import object_of
from data.store.database import Database

_JOBS_AT_ONCE: Final = 25  # some milliseconds of the event loop


class Exporter:
    """Collects and packs."""

    def __init__(self, *, database: Database, files: KeptFiles, clock: Clock) -> None:
        self._database = database
        self._files = files
        self._clock = clock

    async def parts(self, user_id: int, *, part_bytes: int | None) -> AsyncIterator[bytes]:
        """ZIP files of at most `part_bytes` (None: one of any size), `data.json` in the first."""
        record = await self._about(user_id)
        files = [
            PackedFile(
                name=each["file"],
                folder=self._files.uploads,
                content_hash=each["content_hash"],
            )
            for each in record["uploads"]
        ]
        listed: list[dict[str, Any]] = []
        async for job, made in self._jobs(user_id):
            listed.append(_job(job, made))
            files += [
                PackedFile(
                    name=_file_name(picture),
                    folder=self._files.pictures,
                    content_hash=picture.content_hash,
                    sign=self._files.sign,
                )
                for picture in made
            ]
        async for part in in_a_thread(packed(record | {"jobs": listed}, files, part_bytes)):
            yield part

    async def _jobs(self, user_id: int) -> AsyncIterator[tuple[JobRecord, list[PictureRecord]]]:
        """All jobs with their pictures, in small pages: thousands at once would block the loop and
        occupy a reader."""
        after: JobRecord | None = None
        while True:
            async with self._database.reader() as connection:
                page = await jobs.page_of_user(
                    connection, user_id=user_id, after=after, limit=_JOBS_AT_ONCE
                )
                made = [await pictures.of_job(connection, job_id=job.id) for job in page]
            for pair in zip(page, made, strict=True):
                yield pair
            if not page:
                return
            after = page[-1]

    async def _about(self, user_id: int) -> dict[str, Any]:
        """Everything but jobs and pictures."""
        async with self._database.reader() as connection:
            sent = await uploads.of_user(connection, user_id=user_id)
            sent += await uploads.masks_of_user(connection, user_id=user_id)
            saved = await presets.of_user(connection, user_id=user_id)
            marked = await favourites.of_user(connection, user_id=user_id)
            habits = await tag_uses.all_of_user(connection, user_id=user_id)
            uses = await quota.all_of_user(connection, user_id=user_id)
            defaults = await user_defaults.get(connection, user_id=user_id)
            wants_news = await news.settings(connection, user_id=user_id)
            log = await audit.all_about(connection, user_id=user_id)
            blocked = await blocks.of_user(connection, user_id=user_id)
            reported = await reports.made_by(connection, user_id=user_id)
            granted = await quota_grants.of_user(connection, user_id=user_id)
            signed_in = await web_sessions.of_user(
                connection, user_id=user_id, now=self._clock.time()
            )
            kept = await _gallery(connection, user_id)
        return kept | {
            "user_id": str(user_id),  # as text: JSON readers round numbers of this size
            "exported_at": self._clock.time(),
            "defaults": asdict(defaults),
            "told_of_stars": None if wants_news is None else asdict(wants_news),
            "presets": [
                {"name": preset.name, "request": json.loads(preset.request.to_json())}
                for preset in saved
            ],
            "favourites": [{"picture_id": name, "marked_at": at} for name, at in marked],
            "tags_used": [{"tag": tag, "uses": n, "used_at": at} for tag, n, at in habits],
            "quota_uses": [asdict(use) for use in uses],
            "grants": [
                {"server_id": str(guild), "pictures": in_pictures(left)}
                for guild, left in granted.items()
            ],
            "blocks": [_block(block) for block in blocked],
            "log": [_entry(entry) for entry in log],
            "reports_made": [
                {"job_id": job, "reason": reason, "reported_at": at, "state": state}
                for job, reason, at, state in reported
            ],
            "web_sessions": [_session(session) for _, session in signed_in],
            "uploads": [
                {"file": f"uploads/{upload.content_hash}.png"} | asdict(upload) for upload in sent
            ],
        }


def _file_name(picture: PictureRecord) -> str:
    return f"pictures/{picture.id}.png"


def _job(job: JobRecord, made: list[PictureRecord]) -> dict[str, Any]:
    return {
        "id": job.id,
        "server_id": None if job.guild_id is None else str(job.guild_id),
        "channel_id": str(job.channel_id),
        "message_id": None if job.message_id is None else str(job.message_id),
        "private": job.private,
        "state": job.state,
        "error": None if job.error is None else object_of(job.error),
        "language": job.locale,
        "queue_weight": job.weight,
        "accepted_at": job.accepted_at,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "request": json.loads(job.request.to_json()),
        "pictures": [{"file": _file_name(picture)} | asdict(picture) for picture in made],
    }


def _session(session: WebSession) -> dict[str, Any]:
    """Without its key, which belongs to the browser."""
    return {
        "name": session.name,
        "server_ids": [str(guild_id) for guild_id in sorted(session.guild_ids)],
        "expires_at": session.expires_at,
    }


def _block(block: Block) -> dict[str, Any]:
    """Which moderator made it is left out."""
    return {
        "server_id": str(block.guild_id),
        "reason": block.reason,
        "blocked_at": block.blocked_at,
        "until": block.until,
    }


async def _gallery(connection: Connection, user_id: int) -> dict[str, Any]:
    """Entries, votes and collections."""
    shared = await entries.of_maker(connection, user_id=user_id)
    voted = await votes.of_user(connection, user_id=user_id)
    collected = await collections.all_of(connection, user_id=user_id)
    return {
        "gallery_on_web": await web.maker_on_web(connection, user_id=user_id),
        "gallery": [
            {
                "id": entry.id,
                "picture_id": entry.picture_id,
                "server_id": str(entry.guild_id),
                "name_shown": entry.maker_name,
                "state": entry.state,
                "stars": entry.votes,
                "shared_at": entry.shared_at,
            }
            for entry in shared
        ],
        "votes": [{"entry_id": entry_id, "voted_at": at} for entry_id, at in voted],
        "collections": [
            {"name": each.name, "shared": each.shared, "created_at": each.created_at,
             "pictures": names}
            for each, names in collected
        ],
    }  # fmt: skip


def _entry(entry: AuditEntry) -> dict[str, Any]:
    """Entries of servers' logs by or about the person."""
    return {
        "at": entry.at,
        "kind": entry.kind,
        "server_id": None if entry.guild_id is None else str(entry.guild_id),
        "channel_id": None if entry.channel_id is None else str(entry.channel_id),
        "job_id": entry.job_id,
        "picture_id": entry.picture_id,
        "details": entry.details,
    }

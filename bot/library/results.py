"""What people do with finished pictures: show them again, draw from them, mark and delete them."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Final

from bot.common.actor import Actor
from bot.common.clock import Clock
from bot.common.failpoints import hit
from bot.jobs.keep.files import KeptFiles
from bot.library.forgetting import forget_job
from bot.library.repeating import demand_readable, from_picture, settled
from bot.moderation.audit import Audit
from bot.outbox.removals import remove_message, remove_messages_of
from data.gallery import watched
from data.guilds.audit import AuditKind
from data.jobs import jobs, of_person, pictures
from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from data.jobs.stored import StoredPicture, find_stored
from data.people import favourites, history
from data.people.history import HistoryPage
from data.store.connection import Connection
from data.store.database import Database
from data.store.ids import linked_message, typed_id
from pipeline.errors import RefusedError
from pipeline.request import GenerationRequest

SUBTLE_VARIATION: Final = 0.2
"""How far the initial noise of a subtle variation is interpolated towards another seed's (A1111's
scale): the same picture with other details."""

SUBTLE_STRENGTH: Final = 0.45
"""The img2img strength used if the noise can't be interpolated, because the picture was drawn from
another one or is itself a variation. Composition stays, details change."""

STRONG_STRENGTH: Final = 0.75
"""The img2img strength of a strong variation: colours and rough composition stay."""

_REMIXED: Final = (
    "init_picture", "strength", "upscale", "only_faces", "variation_seed", "variation_strength",
    "source",
)  # fmt: skip
"""What another prompt takes as a remix does."""

MAX_PAGE_SIZE: Final = 25


OnDelete = Callable[[Connection, JobRecord], Awaitable[None]]
"""Called inside the transaction that deletes a job, before its rows are deleted."""


def unknown(typed: str) -> RefusedError:
    """The error for a typed id or link that leads to nothing that the person may see."""
    return RefusedError("job_unknown" if linked_message(typed) is None else "link_unknown")


class Results:
    """Stored results. The requests made here repeat an earlier job: submit them with `replay=True`,
    so that the defaults of the person who pressed don't change them."""

    def __init__(
        self,
        *,
        database: Database,
        files: KeptFiles,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._database = database
        self._files = files
        self._audit = audit
        self._clock = clock
        self.on_delete: list[OnDelete] = []

    async def picture(self, picture_id: str) -> StoredPicture:
        """A picture by its id. RefusedError `picture_unknown`: it does not exist."""
        return await self._database.read(known_picture, picture_id)

    async def pictures_of(self, job_id: str) -> tuple[JobRecord, tuple[PictureRecord, ...]]:
        """A job and its pictures in order. RefusedError `job_unknown`."""
        async with self._database.reader() as connection:
            job = await jobs.get(connection, job_id=job_id)
            made = await pictures.of_job(connection, job_id=job_id)
        if job is None:
            raise RefusedError("job_unknown")
        return job, tuple(made)

    async def show(self, id: str) -> tuple[JobRecord, tuple[PictureRecord, ...]]:  # noqa: A002
        """What a typed id, or a link to one of our messages, refers to: a job with all its
        pictures, or one picture with its job. RefusedError `job_unknown`, `link_unknown`. `may_see`
        says whether they may see it."""
        typed, message_id = typed_id(id), linked_message(id)
        if message_id is not None:
            found = await self._database.read(watched.subject_of, message_id=message_id)
            if found is None:
                raise unknown(id)
            typed = found
        picture = await self._database.read(pictures.get, picture_id=typed)
        job, made = await self.pictures_of(typed if picture is None else picture.job_id)
        return (job, made) if picture is None else (job, (picture,))

    def may_see(self, actor: Actor, job: JobRecord) -> bool:
        """Owners see their own everywhere; members of a server its public jobs, its moderators also
        the private ones. In direct messages, only the owner."""
        if actor.user_id == job.user_id:
            return True
        if job.guild_id is None or actor.guild_id != job.guild_id:
            return False
        return actor.is_moderator or not job.private

    def may_delete(self, actor: Actor, job: JobRecord) -> bool:
        """Owners, and moderators of the server where it was drawn."""
        if actor.user_id == job.user_id:
            return True
        return job.guild_id is not None and actor.guild_id == job.guild_id and actor.is_moderator

    def reroll(self, job: JobRecord) -> GenerationRequest:
        """The same request with a new random seed; of a variation, another variation. What was
        drawn from a picture is so again, and says from which."""
        request = job.request
        from_another = request.init_picture or request.variation_strength
        source = (request.original.source if from_another else None) or job.id
        if request.variation_strength:
            return replace(settled(job), variation_seed=None, source=source)
        return replace(settled(job), seed=None, source=source)

    def again(self, job: JobRecord) -> GenerationRequest:
        """The request of a job that ended without pictures, with its seed only if one was typed,
        since another seed may succeed."""
        return replace(settled(job), seed=job.request.original.seed)

    def typed(self, job: JobRecord) -> GenerationRequest:
        """The request as it was typed. RefusedError `job_unknown`: it can't be read any more."""
        demand_readable(job)
        return job.request.original

    def vary(self, stored: StoredPicture, *, strong: bool) -> GenerationRequest:
        """One picture similar to this one. Subtle: slightly other noise. Strong: img2img."""
        job, picture = stored.job, stored.picture
        request = job.request
        if not strong and not request.init_picture and not request.variation_strength:
            return replace(
                settled(job, picture),
                seed=picture.seed,
                variation_seed=None,
                variation_strength=SUBTLE_VARIATION,
                count=1,
                source=job.id,
            )
        strength = STRONG_STRENGTH if strong else SUBTLE_STRENGTH
        return replace(from_picture(stored), strength=strength)

    def upscale(self, stored: StoredPicture) -> GenerationRequest:
        """The picture drawn 1.5 times as large. RefusedError `already_upscaled`: twice would exceed
        the memory of most machines and Discord's limits."""
        if stored.job.request.upscale_factor > 1:
            raise RefusedError("already_upscaled")
        return replace(from_picture(stored), aspect=None, seed=stored.picture.seed, upscale=True)

    def remix(self, job: JobRecord) -> GenerationRequest:
        """The request to edit for a remix, with a random seed. RefusedError `job_unknown`: it can't
        be read any more."""
        demand_readable(job)
        request = replace(
            job.request.original,
            seed=None,
            variation_seed=None,
            variation_strength=None,
            compare=None,  # its form has no field for it
            count=None if job.request.compared else job.request.original.count,
            # Editing a job that ended without pictures keeps its own source.
            source=job.id if job.state == "finished" else job.request.original.source,
        )
        # Of an upscaled picture the text is wanted, not the upscale; so of faces.
        return (
            replace(request, init_picture=None, strength=None, upscale=False, only_faces=False)
            if request.upscale or request.only_faces
            else request
        )

    async def latest(self, user_id: int) -> JobRecord:
        """What a person asked for last, however it ended. RefusedError `again_nothing`."""
        async with self._database.reader() as connection:
            job_id = await of_person.latest_id(connection, user_id=user_id)
            job = None if job_id is None else await jobs.get(connection, job_id=job_id)
        if job is None:
            raise RefusedError("again_nothing")
        return job

    def another(
        self, job: JobRecord, prompt: str, *, count: int | None = None
    ) -> GenerationRequest:
        """The same request with another prompt: all else as it was drawn, with a new seed unless
        one was typed. The rating is that which was asked for, as the new prompt may need less."""
        original = job.request.original
        base, same = self.remix(job), settled(job)
        return replace(
            same,
            prompt=prompt,
            count=count or same.count,
            rating=original.rating,
            seed=original.seed,
            **{name: getattr(base, name) for name in _REMIXED},
        )

    async def toggle_favourite(self, *, user_id: int, picture_id: str) -> bool:
        """Mark or unmark a picture; returns whether it is marked now. RefusedError
        `picture_unknown`."""
        async with self._database.transaction() as connection:
            on = not await favourites.unmark(connection, user_id=user_id, picture_id=picture_id)
            if on and not await favourites.mark(
                connection, user_id=user_id, picture_id=picture_id, now=self._clock.time()
            ):
                raise RefusedError("picture_unknown")
        hit("favourite_marked")
        return on

    async def favourites_among(self, *, user_id: int, picture_ids: Iterable[str]) -> frozenset[str]:
        """Those of `picture_ids` that `user_id` marked."""
        return await self._database.read(favourites.among, user_id=user_id, picture_ids=picture_ids)

    async def delete(
        self, job_id: str, *, actor: Actor, reason: str = "", shown: int | None = None
    ) -> JobRecord:
        """Delete an ended job with its pictures; its quota stays used.

        Its message in Discord is removed soon, and so is `shown`, our message in the actor's
        channel that shows the pictures. A picture that an open job starts from keeps its file until
        that job has ended. RefusedError `job_unknown`, `not_your_picture`, or `job_open` (cancel it
        instead).
        """
        async with self._database.transaction() as connection:
            job = await jobs.get(connection, job_id=job_id)
            if job is None:
                raise RefusedError("job_unknown")
            if not self.may_delete(actor, job):
                raise RefusedError("not_your_picture")
            if job.ended_at is None:
                raise RefusedError("job_open")
            for listener in self.on_delete:
                await listener(connection, job)
            await remove_messages_of(connection, job)
            if shown is not None:
                await remove_message(
                    connection,
                    channel_id=actor.channel_id,
                    message_id=shown,
                    guild_id=actor.guild_id,
                )
            if job.guild_id is not None:
                details = {
                    "prompt": job.request.prompt, "private": job.private, "reason": reason
                }  # fmt: skip
                await self._audit.record_of(
                    connection, job, AuditKind.DELETED, details, actor_id=actor.user_id
                )
            freed = await forget_job(connection, job_id=job_id)
            await self._database.tombstones.put_in(
                connection, "job", job_id, now=self._clock.time()
            )
        hit("job_deleted")
        await self._files.discard(freed)
        return job

    async def history(
        self, *, user_id: int, words: str = "", favourites: bool = False, page: int, page_size: int
    ) -> HistoryPage:
        """Page `page` (from 0) of a person's finished pictures, newest first.

        All of `words` occur in the prompt, in any case and as parts of words; with `favourites`
        only those that the person marked.
        """
        size = max(1, min(page_size, MAX_PAGE_SIZE))
        return await self._database.read(
            history.search,
            user_id=user_id,
            words=words,
            favourites=favourites,
            offset=max(0, page) * size,
            limit=size,
        )


async def known_picture(connection: Connection, picture_id: str) -> StoredPicture:
    """The picture with this id. RefusedError `picture_unknown`: it does not exist."""
    found = await find_stored(connection, picture_id=picture_id)
    if found is None:
        raise RefusedError("picture_unknown")
    return found

"""Stars and favourites from a picture's page, under the same rules as the buttons in Discord.

Only the database is written, in one transaction before the answer. The outbox updates the message
in Discord, whichever process serves the page.
"""

from dataclasses import dataclass
from enum import StrEnum

from bot.common.clock import Clock
from bot.gallery import star_rules
from bot.web.access import Access, Membership
from bot.web.shown import may_see
from bot.web.throttle import Throttle
from data.gallery import entries as gallery
from data.gallery import posts
from data.gallery import votes as gallery_votes
from data.gallery.entries import Entry
from data.gallery.posts import Post
from data.guilds import guild_settings
from data.jobs import jobs
from data.jobs.jobs import JobRecord
from data.people import favourites
from data.people.web_sessions import WebSession
from data.store.connection import Connection
from data.store.database import Database
from pipeline.errors import RefusedError

PER_MINUTE = 30.0
"""Marks per person, over all their sessions, because Discord is asked about each."""


class Mark(StrEnum):
    """What a form requests; each is idempotent."""

    STAR = "star"
    UNSTAR = "unstar"
    FAVOURITE = "favourite"
    UNFAVOURITE = "unfavourite"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """The marks that a member sees on a picture's page. `message`: the address of the entry's
    message in Discord, "" if there is none that they can see."""

    may_star: bool
    may_favourite: bool
    starred: bool
    favourite: bool
    message: str


class Marks:
    """Sets and removes marks."""

    def __init__(self, *, database: Database, clock: Clock, access: Access) -> None:
        self._database = database
        self._clock = clock
        self._access = access
        self._throttle = Throttle(per_minute=PER_MINUTE)

    def wait_s(self, session: WebSession) -> float:
        """Seconds until this person may set the next mark; 0: now, and it was counted."""
        return self._throttle.wait_s(
            f"user {session.user_id}", cost=1.0, now=self._clock.monotonic()
        )

    async def offered(
        self, session: WebSession | None, entry: Entry, job: JobRecord
    ) -> Offered | None:
        """The marks of a member; None if they are no member of the picture's server now."""
        if session is None or entry.guild_id not in session.guild_ids:
            return None
        async with self._database.reader() as connection:
            post = await posts.get(connection, entry_id=entry.id)
        membership = await self._access.membership(
            session, entry.guild_id, channel_id=None if post is None else post.channel_id
        )
        if membership is None:
            return None
        user_id, picture_id = session.user_id, entry.picture_id
        async with self._database.reader() as connection:
            starred = await gallery_votes.has_vote(connection, number=entry.number, user_id=user_id)
            marked = await favourites.among(connection, user_id=user_id, picture_ids=[picture_id])
            try:
                await self._demand(connection, job, membership, user_id)
            except RefusedError:
                may_star = False
            else:
                may_star = True
        return Offered(
            may_star=may_star,
            may_favourite=membership.may_act,
            starred=starred,
            favourite=picture_id in marked,
            message=_address(post, membership),
        )

    async def give(self, mark: Mark, entry: Entry, *, session: WebSession) -> bool:
        """Set or remove a mark; False if they can't see the picture any more.

        RefusedError if it does not count from this person now. Discord is asked about them.
        """
        membership = await self._access.membership(session, entry.guild_id, fresh=True)
        if membership is None or not membership.may_act:
            raise RefusedError("not_allowed")
        async with self._database.transaction() as connection:
            found = await gallery.on_web(connection, entry_id=entry.id)
            job = None if found is None else await jobs.get(connection, job_id=found.job_id)
            if found is None or job is None or job.private:
                return False
            settings = await guild_settings.get(connection, guild_id=found.guild_id)
            everything = membership.sees_restricted(settings.gallery_adult_channel_id)
            if not may_see(found, frozenset({found.guild_id} if everything else ())):
                return False
            if mark in {Mark.FAVOURITE, Mark.UNFAVOURITE}:
                await self._favour(connection, mark, found, session.user_id)
            else:
                await self._demand(connection, job, membership, session.user_id)
                await self._star(connection, mark, found, session.user_id)
        return True

    async def _demand(
        self, connection: Connection, job: JobRecord, membership: Membership, user_id: int
    ) -> None:
        """Raises RefusedError if a star of this person does not count here now."""
        assert job.guild_id is not None, "its picture is in a server's gallery"
        settings = await guild_settings.get(connection, guild_id=job.guild_id)
        if not membership.has_gallery(settings):
            raise RefusedError("gallery_off")
        if not membership.may_act:
            raise RefusedError("not_allowed")
        await star_rules.demand_voter(
            connection, job, user_id=user_id, settings=settings, now=self._clock.time()
        )

    async def _star(self, connection: Connection, mark: Mark, entry: Entry, user_id: int) -> None:
        if mark is Mark.STAR:
            if not await gallery_votes.has_vote(connection, number=entry.number, user_id=user_id):
                await gallery_votes.star(
                    connection, number=entry.number, user_id=user_id,
                    message_id=gallery_votes.BUTTON, now=self._clock.time(),
                )  # fmt: skip
        elif await gallery_votes.unvote(connection, number=entry.number, user_id=user_id):
            await star_rules.lost(connection, entry)

    async def _favour(self, connection: Connection, mark: Mark, entry: Entry, user_id: int) -> None:
        if mark is Mark.FAVOURITE:
            await favourites.mark(
                connection, user_id=user_id, picture_id=entry.picture_id, now=self._clock.time()
            )
        else:
            await favourites.unmark(connection, user_id=user_id, picture_id=entry.picture_id)


def _address(post: Post | None, membership: Membership) -> str:
    if post is None or post.message_id is None or post.gone or post.leaving:
        return ""
    if not membership.sees(post.channel_id):
        return ""
    return f"https://discord.com/channels/{post.guild_id}/{post.place_id}/{post.message_id}"

"""The part of a picture that its owner paints on the web page, to be redrawn.

A link is a random word, of which the database has the hash, as of those who are signed in: nobody
can make or change one. It names one person and one picture, is valid for 20 minutes, and is spent
in the transaction that accepts its job, so a refusal leaves it usable.
"""

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Protocol

from bot.common.clock import Clock
from bot.common.failpoints import hit
from bot.config.settings import Settings
from bot.jobs.service import JobService
from bot.jobs.values import Origin, Ticket
from bot.library.redrawing import prompt_of, redrawn
from bot.library.results import known_picture
from bot.moderation.gate import check_allowed
from bot.safety.ceiling import Place, PlaceKind
from data.jobs import paint_links
from data.jobs.jobs import JobRecord
from data.jobs.paint_links import PaintLink
from data.jobs.stored import StoredPicture
from data.store.connection import Connection
from data.store.database import Database
from data.store.times import CLOCK_STEP_S
from pipeline.errors import EkakiError, RefusedError

GOOD_FOR_S: Final = 20 * 60.0
LINKS_EACH: Final = 20
"""Per person; another one ends the oldest."""
_LONGEST_S: Final = GOOD_FOR_S + CLOCK_STEP_S
_LENGTH: Final = 32  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Painted:
    """What a link opens: a picture, its prompt, and where it was asked for."""

    key: str
    stored: StoredPicture
    origin: Origin
    prompt: str


class InDiscord(Protocol):
    """What only the running client knows and does."""

    async def present(self, origin: Origin) -> Origin:
        """`origin` as it is now. RefusedError if the person may not ask there any more."""
        ...

    def show(self, ticket: Ticket, source: StoredPicture) -> None:
        """Show an accepted job there."""
        ...

    def explain(self, error: EkakiError) -> str:
        """What is wrong, as plain text."""
        ...


class Painting:
    """Makes, opens and spends links, if this process serves the page: no other accepts jobs.
    `discord` is set by the client."""

    def __init__(
        self, settings: Settings, *, database: Database, jobs: JobService, clock: Clock
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._clock = clock
        self._address = settings.web_origin if settings.web_address else ""
        self.discord: InDiscord | None = None

    @property
    def possible(self) -> bool:
        """Whether there is a page to paint on."""
        return bool(self._address)

    async def link(self, stored: StoredPicture, origin: Origin) -> str:
        """The address of the page. RefusedError `not_your_picture`."""
        if stored.job.user_id != origin.user_id:
            raise RefusedError("not_your_picture")
        word, now = secrets.token_urlsafe(_LENGTH), self._clock.time()
        link = PaintLink(
            picture_id=stored.picture.id,
            user_id=origin.user_id,
            origin=json.dumps(asdict(origin)),
            expires_at=now + GOOD_FOR_S,
        )
        async with self._database.transaction() as connection:
            await paint_links.insert(connection, key=_key(word), link=link)
            await paint_links.end_oldest(connection, user_id=origin.user_id, keep=LINKS_EACH)
        return f"{self._address}/redraw/{word}"

    async def open(self, word: str, *, signed_in: int | None) -> Painted | None:
        """What `word` opens; None: nothing, or no longer. `signed_in`: who opens it, if known.

        RefusedError: its owner may not see or redraw the picture there at present.
        """
        now, key = self._clock.time(), _key(word)
        async with self._database.reader() as connection:
            link = await paint_links.get(connection, key=key, now=now)
            if link is None or link.used or signed_in not in {None, link.user_id}:
                return None
            if link.expires_at > now + _LONGEST_S:  # made by a clock that was ahead
                return None
            origin = _origin(link)
            stored = await known_picture(connection, link.picture_id)
            if origin is None or stored.job.user_id != link.user_id:
                return None
            await check_allowed(
                connection,
                user_id=link.user_id,
                guild_id=origin.guild_id,
                channel_id=origin.rules_channel_id,
                now=now,
            )
        if self.discord is None:
            raise RefusedError("draining")
        origin = await self.discord.present(origin)
        await self._check_ceiling(stored, origin)
        return Painted(key=key, stored=stored, origin=origin, prompt=prompt_of(stored))

    async def read(self, painted: Painted) -> bytes:
        """The picture as a PNG. StorageError."""
        return await self._jobs.read_picture(painted.stored.picture)

    async def submit(
        self, painted: Painted, *, mask: bytes, prompt: str, strength: float | None
    ) -> None:
        """Have the painted part redrawn. Raises what `JobService.put_mask` and `submit` raise, and
        RefusedError `paint_link_used`; then the link stays as it was."""
        picture = painted.stored.picture
        upload = await self._jobs.put_mask(mask, width=picture.width, height=picture.height)
        request = redrawn(painted.stored, prompt=prompt, strength=strength)

        async def spend(connection: Connection, _job: JobRecord) -> None:
            if not await paint_links.spend(connection, key=painted.key, now=self._clock.time()):
                raise RefusedError("paint_link_used")

        ticket = await self._jobs.submit(
            replace(request, mask=upload.content_hash), painted.origin, replay=True, also=spend
        )
        hit("painted_unshown")
        if self.discord is not None:
            self.discord.show(ticket, painted.stored)

    def explain(self, error: EkakiError) -> str:
        """What is wrong, as plain text; empty if nobody can say."""
        return "" if self.discord is None else self.discord.explain(error)

    async def _check_ceiling(self, stored: StoredPicture, origin: Origin) -> None:
        ceiling, _ = await self._jobs.ceiling(
            place=origin.place, guild_id=origin.guild_id, channel_id=origin.rules_channel_id
        )
        rating = max(stored.job.request.rating, stored.picture.rating)
        if rating > ceiling.rating:
            raise RefusedError("paint_rating", rating=rating, ceiling=ceiling.rating)


def _key(word: str) -> str:
    return hashlib.sha256(word.encode(errors="replace")).hexdigest()


def _origin(link: PaintLink) -> Origin | None:
    """None if the row is damaged."""
    try:
        values: dict[str, Any] = json.loads(link.origin)
        place: dict[str, Any] = values["place"]
        values["place"] = Place(
            kind=PlaceKind(place["kind"]), age_restricted=place["age_restricted"] is True
        )
        for name in ("missing_permissions", "role_ids"):
            values[name] = tuple(values[name])
        return Origin(**values)
    except (ValueError, TypeError, KeyError):
        return None

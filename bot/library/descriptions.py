"""Describes pictures as prompts: what the tagger sees in them, for the place where it is asked."""

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from PIL.Image import Image

from bot.common.clock import Clock
from bot.jobs.keep.uploads import decoded
from bot.jobs.service import JobService
from bot.library.suggestions import Asker
from bot.moderation.gate import check_allowed
from bot.safety.output import WithheldReason
from data.jobs.pictures import PictureRecord
from data.store.database import Database
from pipeline.aspect import nearest_bucket
from pipeline.errors import RefusedError
from pipeline.rating import Rating
from pipeline.tag_category import TagCategory
from pipeline.tags.described import Described, Variant, described, variants
from pipeline.tags.index import TagIndex
from pipeline.tags.suitability import hidden_above
from pipeline.tags.tag import Tag

MAX_RECENT: Final = 20
RECENT_S: Final = 10 * 60.0
"""At most so many descriptions per person in that time: each takes the processor for a second."""

MAX_WAITING: Final = 4
"""Of all people. The tagger takes one at a time, so that finished pictures never wait
longer; and each holds a file in memory."""

_PEOPLE: Final = 10_000  # whose use is remembered; forgetting some only forgives them


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """`aspect`: the size to draw it in, `832x1216`. `variants`: four prompts to draw."""

    seen: Described
    aspect: str
    variants: tuple[Variant, Variant, Variant, Variant]


class Descriptions:
    """Describes pictures for people, within bounds. What it sees is not stored."""

    def __init__(
        self, *, tags: TagIndex, database: Database, jobs: JobService, clock: Clock
    ) -> None:
        self._tags = tags
        self._database = database
        self._jobs = jobs
        self._clock = clock
        self._one = asyncio.Semaphore(1)  # so one decoded picture is in memory
        self._waiting: set[int] = set()
        self._recent: dict[int, deque[float]] = {}

    @asynccontextmanager
    async def turn(self, asker: Asker) -> AsyncGenerator[None]:
        """Enter it before a picture is even downloaded. RefusedError: the person may not ask here
        now, is already waiting for a description, had too many, or too many people wait."""
        async with self._database.reader() as connection:
            await check_allowed(
                connection,
                user_id=asker.user_id,
                guild_id=asker.guild_id,
                channel_id=asker.channel_id,
                now=self._clock.time(),
            )
        self._count(asker.user_id)
        self._waiting.add(asker.user_id)
        try:
            yield
        finally:
            self._waiting.discard(asker.user_id)

    async def describe(self, data: bytes, asker: Asker) -> Description:
        """What the picture in a file shows. InputError says what is wrong with the file;
        RefusedError `describe_above_ceiling`, `describe_minor`, `describe_nothing` or
        `describe_off`. EngineError if the tagger fails."""
        ceiling = await self._ceiling(asker)
        async with self._one:
            image = await asyncio.to_thread(partial(decoded, data, moving=False))
            look = await self._jobs.runner.keeping.look(image, ceiling=ceiling)
        tagging = look.tagging
        if look.verdict.reason is WithheldReason.MINOR:
            raise RefusedError("describe_minor")
        if tagging.rating > ceiling:
            raise RefusedError("describe_above_ceiling", rating=tagging.rating, ceiling=ceiling)
        tags = tagging.tags()
        hidden = hidden_above(ceiling)

        def is_hidden(name: str) -> bool:
            tag = self._tags.get(name) or Tag(name=name, category=TagCategory.GENERAL)
            return hidden(tag) or hidden(Tag(name=name, category=TagCategory.GENERAL))

        seen = described(
            {name: score for name, score in tags.items() if name in tagging.general},
            {name: score for name, score in tags.items() if name in tagging.characters},
            rating=tagging.rating,
            series_of=self._tags.series_of,
            hidden=is_hidden,
        )
        if not seen.found:
            raise RefusedError("describe_nothing")
        return Description(
            seen=seen, aspect=_aspect(image), variants=variants(seen, seed=_seed(image))
        )

    async def describe_own(self, picture: PictureRecord, asker: Asker) -> Description:
        """The same for one of our pictures, which the person may see. Its stored rating counts too:
        it may be higher than what the tagger sees now. StorageError if its file is gone."""
        ceiling = await self._ceiling(asker)
        if picture.rating > ceiling:
            raise RefusedError("describe_above_ceiling", rating=picture.rating, ceiling=ceiling)
        return await self.describe(await self._jobs.read_picture(picture), asker)

    async def _ceiling(self, asker: Asker) -> Rating:
        ceiling, _ = await self._jobs.ceiling(
            place=asker.place, guild_id=asker.guild_id, channel_id=asker.channel_id
        )
        return ceiling.rating

    def _count(self, user_id: int) -> None:
        """Count one more description for a person, unless that is too many."""
        if user_id in self._waiting:
            raise RefusedError("describe_waiting")
        if len(self._waiting) >= MAX_WAITING:
            raise RefusedError("describe_busy")
        now = self._clock.monotonic()
        times = self._recent.setdefault(user_id, deque())
        while times and times[0] <= now - RECENT_S:
            times.popleft()
        if len(times) >= MAX_RECENT:
            wait_s = times[0] + RECENT_S - now
            raise RefusedError("describe_often", limit=MAX_RECENT, retry_after_s=wait_s)
        times.append(now)
        while len(self._recent) > _PEOPLE:
            del self._recent[next(iter(self._recent))]


def _aspect(image: Image) -> str:
    return nearest_bucket(width=image.width, height=image.height).pixels


def _seed(image: Image) -> int:
    """The same for the same picture, so that asking twice shows the same four."""
    small = image.resize((8, 8)).tobytes()
    return int.from_bytes(hashlib.sha256(small).digest()[:4], "big")

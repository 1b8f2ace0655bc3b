"""What makers are told of stars and remixes, if they want to be: nobody is unless they choose so,
as a direct message that nobody asked for is a nuisance."""

from collections.abc import Iterable, Sequence
from typing import Final

from bot.common.clock import Clock
from bot.common.failpoints import hit
from bot.jobs.accept.limits import DAY_S
from data.people import news
from data.people.news import News, NewsSettings, Told
from data.store.database import Database

DIGEST_S: Final = DAY_S
"""From the first star or remix to the daily message, so that there is one per day."""


class MakerNews:
    """The choices of makers, and the notifications for them."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def settings(self, user_id: int) -> NewsSettings | None:
        """The choice of `user_id`; None: no notifications."""
        return await self._database.read(news.settings, user_id=user_id)

    async def told(self, user_id: int) -> Told:
        """When `user_id` is notified."""
        found = await self.settings(user_id)
        return Told.OFF if found is None else found.told

    async def choose(self, user_id: int, told: Told, *, locale: str) -> None:
        """Set when `user_id` is notified, and in which language."""
        await self._database.write(news.choose, user_id=user_id, told=told, locale=locale)

    async def begin(self, user_id: int, *, guild_ids: Iterable[int], seen: int) -> bool:
        """Take up what is due in these servers; `seen`: the newest direct message of `user_id`.
        False: nothing is."""
        begun = await self._database.write(
            news.begin,
            user_id=user_id,
            guild_ids=guild_ids,
            before=self._clock.time() - DIGEST_S,
            seen=seen,
        )
        if begun:
            hit("news_begun")
        return begun

    async def is_sending(self, user_id: int) -> bool:
        """Whether something was taken up but not recorded as sent, such as before a crash."""
        return await self._database.read(news.is_sending, user_id=user_id)

    async def sending(self, user_id: int) -> Sequence[News]:
        """What was taken up and may still be sent."""
        return await self._database.read(news.sending, user_id=user_id, now=self._clock.time())

    async def enter_told(self, user_id: int) -> None:
        """Record that what was taken up was sent, or can't be."""
        await self._database.write(news.enter_told, user_id=user_id)

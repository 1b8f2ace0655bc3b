"""Who is signed in. The browser has a random word in a cookie, the database its hash."""

import hashlib
import secrets
from typing import Final

from aiohttp import web

from bot.clock import Clock
from data import web_sessions
from data.database import Database
from data.times import CLOCK_STEP_S
from data.web_sessions import WebSession

SESSION_S: Final = 7 * 86_400
_LONGEST_S: Final = SESSION_S + CLOCK_STEP_S
_LENGTH: Final = 32  # bytes


class Sessions:
    """Sessions in the database. `secure`: the page is reached by https."""

    def __init__(self, *, database: Database, clock: Clock, secure: bool) -> None:
        self._database = database
        self._clock = clock
        self._secure = secure

    @property
    def cookie(self) -> str:
        """`__Host-`: a browser takes it only from this host by https, for all paths."""
        return "__Host-ekaki" if self._secure else "ekaki"

    async def get(self, request: web.Request) -> WebSession | None:
        """Who asks, if they are signed in."""
        word = request.cookies.get(self.cookie, "")
        if not word:
            return None
        async with self._database.reader() as connection:
            now = self._clock.time()
            session = await web_sessions.get(connection, key=_key(word), now=now)
        # One that would last longer was begun by a clock that was ahead.
        return None if session is None or session.expires_at > now + _LONGEST_S else session

    async def begin(
        self, response: web.StreamResponse, *, user_id: int, name: str, guild_ids: frozenset[int]
    ) -> None:
        """Sign somebody in; the word is new each time."""
        word, now = secrets.token_urlsafe(_LENGTH), self._clock.time()
        session = WebSession(
            user_id=user_id, name=name, guild_ids=guild_ids, expires_at=now + SESSION_S
        )
        async with self._database.transaction() as connection:
            await web_sessions.expire(connection, now=now)
            await web_sessions.insert(connection, key=_key(word), session=session)
        self.set_cookie(response, self.cookie, word, max_age=SESSION_S)

    async def end(self, request: web.Request, response: web.StreamResponse) -> None:
        """Sign out: the word opens nothing any more, wherever it was copied to."""
        word = request.cookies.get(self.cookie, "")
        if word:
            async with self._database.transaction() as connection:
                await web_sessions.delete(connection, key=_key(word))
        self.set_cookie(response, self.cookie, "", max_age=0)

    def set_cookie(
        self, response: web.StreamResponse, name: str, value: str, *, max_age: int
    ) -> None:
        """A cookie that scripts don't see and other sites' forms don't bring. `max_age`: s."""
        response.set_cookie(
            name, value, max_age=max_age, httponly=True, samesite="Lax", secure=self._secure
        )


def _key(word: str) -> str:
    return hashlib.sha256(word.encode()).hexdigest()

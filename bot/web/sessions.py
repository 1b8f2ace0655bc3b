"""Who is signed in. The browser has a random secret in a cookie, the database its hash."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from bot.common.clock import Clock
from data.people import web_sessions
from data.people.web_sessions import WebSession
from data.store.database import Database
from data.store.times import CLOCK_STEP_S

SESSION_S: Final = 7 * 86_400
_LONGEST_S: Final = SESSION_S + CLOCK_STEP_S
SESSIONS_EACH: Final = 20
"""Per person; signing in again ends the oldest."""
_LENGTH: Final = 32  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One of a person's sessions, as shown to them. `key` can only end it."""

    key: str
    began_at: float
    here: bool


class Sessions:
    """Sessions in the database. `secure`: the page is reached by https."""

    def __init__(self, *, database: Database, clock: Clock, secure: bool) -> None:
        self._database = database
        self._clock = clock
        self._secure = secure

    @property
    def cookie(self) -> str:
        """The cookie of who is signed in."""
        return self.named("ekaki")

    @property
    def sign_in_cookie(self) -> str:
        """The cookie of who is signing in."""
        return self.named("ekaki_sign_in")

    def named(self, name: str) -> str:
        """With `__Host-`, a browser accepts it only from this host by https, for all paths, and not
        from other hosts of the domain."""
        return f"__Host-{name}" if self._secure else name

    async def get(self, request: web.Request) -> WebSession | None:
        """Who asks, if they are signed in."""
        word = request.cookies.get(self.cookie, "")
        if not word:
            return None
        async with self._database.reader() as connection:
            now = self._clock.time()
            session = await web_sessions.get(connection, key=_key(word), now=now)
        # One that would last longer was created by a clock that was ahead.
        return None if session is None or session.expires_at > now + _LONGEST_S else session

    async def begin(
        self, request: web.Request, response: web.StreamResponse, *, user_id: int, name: str,
        guild_ids: frozenset[int],
    ) -> None:  # fmt: skip
        """Sign a person in, with a new secret; the previous one becomes invalid."""
        before = request.cookies.get(self.cookie, "")
        word, now = secrets.token_urlsafe(_LENGTH), self._clock.time()
        session = WebSession(
            user_id=user_id, name=name, guild_ids=guild_ids, expires_at=now + SESSION_S
        )
        async with self._database.transaction() as connection:
            await web_sessions.expire(connection, now=now)
            await web_sessions.delete(connection, key=_key(before))
            await web_sessions.insert(connection, key=_key(word), session=session)
            await web_sessions.end_oldest(connection, user_id=user_id, keep=SESSIONS_EACH)
        self.set_cookie(response, self.cookie, word, max_age=SESSION_S)

    async def end(self, request: web.Request, response: web.StreamResponse) -> None:
        """Sign out: the secret becomes invalid, wherever it was copied to."""
        word = request.cookies.get(self.cookie, "")
        if word:
            await self._database.write(web_sessions.delete, key=_key(word))
        self.set_cookie(response, self.cookie, "", max_age=0)

    async def listed(self, request: web.Request, user_id: int) -> list[Listed]:
        """All sessions of `user_id`, latest first."""
        here = _key(request.cookies.get(self.cookie, ""))
        found = await self._database.read(
            web_sessions.of_user, user_id=user_id, now=self._clock.time()
        )
        return [
            Listed(key=key, began_at=session.expires_at - SESSION_S, here=key == here)
            for key, session in found
        ]

    async def end_other(self, user_id: int, key: str | None) -> None:
        """End the session `key` of `user_id`; None: all of theirs."""
        await self._database.write(web_sessions.forget, user_id=user_id, key=key)

    def set_cookie(
        self, response: web.StreamResponse, name: str, value: str, *, max_age: int
    ) -> None:
        """A cookie hidden from scripts and not sent by other sites' forms. `max_age`: s."""
        response.set_cookie(
            name, value, max_age=max_age, httponly=True, samesite="Lax", secure=self._secure
        )


def _key(word: str) -> str:
    return hashlib.sha256(word.encode(errors="replace")).hexdigest()

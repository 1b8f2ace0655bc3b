"""Signing in with Discord: authorization code with state and PKCE, scopes `identify guilds`.

State and verifier are derived from a random secret that the browser keeps in a cookie for ten
minutes, so an answer is valid only in the browser that asked. Discord's token is used immediately
and not stored.
"""

import base64
import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from math import isfinite
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp

from bot.common.clock import Clock
from bot.common.secret import Secret
from bot.web.throttle import Throttle
from bot.web.thumbs import TooBusyError

_log = logging.getLogger(__name__)

DISCORD: Final = "https://discord.com"
SCOPES: Final = "identify guilds"
WAIT_S: Final = 600  # for the person at Discord's page
# of all people together; Discord tolerates 1,000 invalid requests per minute
PER_MINUTE: Final = 120.0
_LONGEST_PAUSE_S: Final = 3600.0
_TIMEOUT: Final = aiohttp.ClientTimeout(total=15)


class SignInFailed(Exception):  # noqa: N818 - it names what happened
    """Neither Discord nor the browser's answer says who it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who signed in, as Discord calls them, and the servers they are in."""

    user_id: int
    name: str
    guild_ids: frozenset[int]


class OAuth:
    """`base_url`: Discord's, or a loopback's. `application_id` is known once the bot logged in."""

    def __init__(
        self,
        *,
        base_url: str,
        application_id: Callable[[], int | None],
        secret: Secret,
        redirect_uri: str,
        http: aiohttp.ClientSession,
        clock: Clock,
    ) -> None:
        self._base_url = base_url or DISCORD
        self._application_id = application_id
        self._secret = secret
        self._redirect_uri = redirect_uri
        self._http = http
        self._clock = clock
        self._throttle = Throttle(per_minute=PER_MINUTE)
        self._paused_until = float("-inf")

    @property
    def possible(self) -> bool:
        """Whether people can sign in."""
        return bool(self._secret) and self._application_id() is not None

    def begin(self) -> tuple[str, str]:
        """Returns (secret for the browser's cookie, address of Discord's page)."""
        word = secrets.token_urlsafe(32)
        challenge = _base64(hashlib.sha256(_derived(word, "verifier").encode()).digest())
        query = {
            "response_type": "code",
            "client_id": str(self._application_id()),
            "scope": SCOPES,
            "redirect_uri": self._redirect_uri,
            "state": _derived(word, "state"),
            "prompt": "none",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return word, f"{self._base_url}/oauth2/authorize?{urlencode(query)}"

    async def finish(self, *, word: str, state: str, code: str) -> Person:
        """The person who signed in. SignInFailed, or TooBusyError if Discord can't be asked."""
        if not word or not hmac.compare_digest(state.encode(), _derived(word, "state").encode()):
            raise SignInFailed("the answer belongs to another browser, or came too late")
        now = self._clock.monotonic()
        if now < self._paused_until or self._throttle.wait_s("everybody", cost=1.0, now=now) > 0:
            raise TooBusyError
        try:
            token = await self._token(word, code)
            me = await self._get("/users/@me", token)
            guilds = await self._get("/users/@me/guilds", token)
            return Person(
                user_id=int(me["id"]),
                name=str(me.get("global_name") or me["username"])[:100],
                guild_ids=frozenset(int(guild["id"]) for guild in guilds),
            )
        except (aiohttp.ClientError, TimeoutError, KeyError, TypeError, ValueError) as error:
            _log.warning("Signing in did not work: %s", type(error).__name__)
            raise SignInFailed("Discord did not say who it is") from error

    async def _token(self, word: str, code: str) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "client_id": str(self._application_id()),
            "client_secret": self._secret.reveal(),
            "code_verifier": _derived(word, "verifier"),
        }
        url = f"{self._base_url}/api/v10/oauth2/token"
        async with self._http.post(url, data=form, timeout=_TIMEOUT) as answer:
            self._check(answer)
            return str((await answer.json())["access_token"])

    async def _get(self, path: str, token: str) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{self._base_url}/api/v10{path}"
        async with self._http.get(url, headers=headers, timeout=_TIMEOUT) as answer:
            self._check(answer)
            return await answer.json()

    def _check(self, answer: aiohttp.ClientResponse) -> None:
        """Raises TooBusyError for rate limits, aiohttp's error for others."""
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            pause_s = _seconds(answer.headers.get("Retry-After", ""))
            self._paused_until = self._clock.monotonic() + pause_s
            _log.warning("Discord lets nobody sign in for %.0f s", pause_s)
            raise TooBusyError
        answer.raise_for_status()


def _seconds(said: str) -> float:
    """The value of Retry-After, within bounds."""
    try:
        found = float(said)
    except ValueError:
        found = 0.0
    return min(_LONGEST_PAUSE_S, max(1.0, found)) if isfinite(found) else _LONGEST_PAUSE_S


def _derived(word: str, purpose: str) -> str:
    """A text that can only be derived from `word`; 43 characters, PKCE's minimum."""
    return _base64(hmac.digest(word.encode(), purpose.encode(), "sha256"))


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

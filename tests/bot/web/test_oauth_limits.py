"""How often Discord is asked about codes: strangers choose when, and the bot's address pays."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from bot.common.secret import Secret
from bot.web import oauth
from bot.web.oauth import OAuth, SignInFailed
from bot.web.thumbs import TooBusyError
from tests.support.clock import ManualClock


class Refusing:
    """A Discord that takes no code, and counts."""

    def __init__(self) -> None:
        self.asked = 0
        self.status, self.retry_after = 400, ""

    async def token(self, _: web.Request) -> web.Response:
        self.asked += 1
        return web.Response(status=self.status, headers={"Retry-After": self.retry_after})


@asynccontextmanager
async def signing_in(refusing: Refusing, clock: ManualClock) -> AsyncGenerator[OAuth]:
    app = web.Application()
    app.router.add_post("/api/v10/oauth2/token", refusing.token)
    async with TestServer(app) as server, ClientSession() as http:
        yield OAuth(
            base_url=str(server.make_url("")).rstrip("/"), application_id=lambda: 1,
            secret=Secret("x"), redirect_uri="http://x/signed-in", http=http, clock=clock,
        )  # fmt: skip


async def come_back(oauth: OAuth) -> None:
    """With a state that is right, which everybody gets, and a code that is none."""
    word, address = oauth.begin()
    state = parse_qs(urlsplit(address).query)["state"][0]
    await oauth.finish(word=word, state=state, code="none")


async def test_codes_that_are_none_do_not_ask_discord_without_end() -> None:
    refusing, clock = Refusing(), ManualClock()
    async with signing_in(refusing, clock) as opened:
        refused = 0
        for _ in range(100):
            try:
                await come_back(opened)
            except SignInFailed:
                refused += 1
            except TooBusyError:
                break
        assert 0 < refused == refusing.asked < 100
        clock.advance(60.0 / oauth.PER_MINUTE)
        with pytest.raises(SignInFailed):
            await come_back(opened)


@pytest.mark.parametrize(
    ("said", "pause_s"),
    [("7", 7), ("0.5", 1), ("", 1), ("soon", 1), ("-3", 1), ("1e99", 3600), ("inf", 3600)],
)
async def test_where_discord_says_wait_nobody_asks_it(said: str, pause_s: float) -> None:
    refusing, clock = Refusing(), ManualClock()
    refusing.status, refusing.retry_after = 429, said
    async with signing_in(refusing, clock) as opened:
        for _ in range(3):
            with pytest.raises(TooBusyError):
                await come_back(opened)
        assert refusing.asked == 1
        refusing.status = 400
        clock.advance(pause_s - 0.01)
        with pytest.raises(TooBusyError):
            await come_back(opened)
        clock.advance(0.02)
        with pytest.raises(SignInFailed):
            await come_back(opened)
        assert refusing.asked == 2

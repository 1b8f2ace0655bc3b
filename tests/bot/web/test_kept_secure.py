"""What protects sessions, memory and private pictures where nothing else would show its absence."""

from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import make_mocked_request

from bot.web import throttle
from bot.web.sessions import SESSION_S, Sessions
from bot.web.throttle import Throttle
from data.store.database import DATABASE_NAME, Database
from tests.bot.web.gallery import Shown, page_over
from tests.support.clock import ManualClock


@pytest.mark.parametrize("secure", [True, False])
async def test_a_session_is_bound_to_https_and_to_its_time(tmp_path: Path, secure: bool) -> None:
    clock = ManualClock()
    async with Database.open(tmp_path / DATABASE_NAME) as database:
        sessions = Sessions(database=database, clock=clock, secure=secure)
        response = web.Response()
        await sessions.begin(
            make_mocked_request("GET", "/"), response, user_id=1, name="A", guild_ids=frozenset()
        )
        (cookie,) = response.cookies.values()
        assert cookie.key.startswith("__Host-") is secure
        assert bool(cookie["secure"]) is secure
        assert (cookie["path"], cookie["domain"]) == ("/", "")
        asking = make_mocked_request("GET", "/", headers={"Cookie": f"{cookie.key}={cookie.value}"})
        assert await sessions.get(asking) is not None
        clock.advance(-3600)  # it was created by a clock that was ahead
        assert await sessions.get(asking) is None
        clock.advance(3600 + SESSION_S - 1)
        assert await sessions.get(asking) is not None
        clock.advance(2)
        assert await sessions.get(asking) is None


async def test_a_job_that_became_private_is_not_there(
    own_gallery: Shown, http: ClientSession
) -> None:
    shown = own_gallery.safe[0]
    async with page_over(own_gallery.folder) as page:
        for private, status in ((0, 200), (1, 404)):
            async with (
                Database.open(own_gallery.folder / DATABASE_NAME) as database,
                database.transaction() as connection,
            ):
                await connection.execute("UPDATE jobs SET private = ?", (private,))
            for path in (f"/p/{shown}", f"/i/{shown}/320.webp", f"/i/{shown}/original.png"):
                async with http.get(page + path) as answer:
                    assert answer.status == status, path


def test_addresses_are_not_remembered_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MAX_ADDRESSES", 3)
    known = Throttle(per_minute=0.001)
    first = known.wait_s("1", cost=10, now=0.0)
    assert first == 0.0
    for visitor in "234":
        known.wait_s(visitor, cost=10, now=0.0)
    assert known.wait_s("4", cost=10, now=0.0) > 0, "it is remembered"
    assert known.wait_s("1", cost=10, now=0.0) == 0.0, "it was the least recent, and is forgotten"

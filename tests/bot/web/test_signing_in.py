"""Members of a server and what it keeps age-restricted: by the real sign-in, over the loopback."""

import asyncio
import hashlib
import re
import time

from aiohttp import ClientSession

from bot.common.secret import Secret
from bot.playground.simulator import permissions as p
from bot.playground.simulator.default_world import IDS
from bot.web.sessions import SESSIONS_EACH
from data.people import web_sessions
from data.people.web_sessions import WebSession
from data.store.database import DATABASE_NAME, Database
from tests.bot.web.gallery import Shown
from tests.bot.web.scene import Scene
from tests.support.loopback import Place
from tests.support.patience import PATIENCE_S


async def test_a_member_sees_what_their_server_keeps_age_restricted(scene: Scene) -> None:
    assert await scene.status("nsfw") == 404
    assert await scene.sign_in(IDS.alice, to="/?rating=nsfw") == f"{scene.page}/?rating=nsfw"
    for kind in ("nsfw", "sensitive"):
        assert await scene.status(kind) == 200
        assert await scene.status(kind, "/i/{}/320.webp") == 200
    for kind in ("elsewhere", "not on the web", "hidden", "removed", "waiting"):
        assert await scene.status(kind) == 404
    async with scene.http.get(f"{scene.page}/?rating=nsfw") as answer:
        body = await answer.text()
        assert re.findall(r'href="/p/([a-z0-9]+)', body) == [scene.shown.ids["nsfw"]]
        assert "Alice" in body
    async with scene.http.get(f"{scene.page}/i/{scene.shown.ids['nsfw']}/320.webp") as answer:
        assert answer.headers["Cache-Control"] == "private, no-cache"


async def test_who_signs_out_sees_it_no_more(scene: Scene) -> None:
    await scene.sign_in(IDS.alice)
    old = {c.key: c.value for c in scene.http.cookie_jar}
    async with scene.http.post(f"{scene.page}/sign-out", headers={"Origin": "null"}) as answer:
        assert answer.status == 403
    assert await scene.status("nsfw") == 200
    async with scene.http.post(f"{scene.page}/sign-out", headers={"Origin": scene.page}) as answer:
        assert answer.status == 200
    assert await scene.status("nsfw") == 404
    scene.http.cookie_jar.update_cookies(old)  # somebody copied it before
    assert await scene.status("nsfw") == 404


def cookie_of(http: ClientSession) -> dict[str, str]:
    return {cookie.key: cookie.value for cookie in http.cookie_jar}


async def test_signing_in_again_ends_the_session_before(scene: Scene) -> None:
    await scene.sign_in(IDS.alice)
    old = cookie_of(scene.http)
    await scene.sign_in(IDS.bob)
    new = cookie_of(scene.http)
    assert new != old
    for cookies, status in ((old, 404), (new, 200)):
        scene.http.cookie_jar.clear()
        scene.http.cookie_jar.update_cookies(cookies)
        assert await scene.status("nsfw") == status


async def post(scene: Scene, path: str, *, origin: str = "") -> int:
    headers = {"Origin": origin or scene.page}
    async with scene.http.post(scene.page + path, headers=headers) as answer:
        return answer.status


async def sessions_of(scene: Scene) -> list[str]:
    """The ends of the addresses that sign out other browsers."""
    async with scene.http.get(f"{scene.page}/sessions") as answer:
        assert answer.headers["Cache-Control"] == "no-store"
        return re.findall(r'action="/sessions/end/([^"]+)"', await answer.text())


async def test_a_person_sees_and_ends_all_their_sessions(scene: Scene) -> None:
    browsers: list[dict[str, str]] = []
    for user_id in (IDS.alice, IDS.alice, IDS.alice, IDS.bob):
        scene.http.cookie_jar.clear()
        await scene.sign_in(user_id)
        browsers.append(cookie_of(scene.http))

    async def may_look(number: int) -> bool:
        scene.http.cookie_jar.clear()
        scene.http.cookie_jar.update_cookies(browsers[number])
        return await scene.status("nsfw") == 200

    assert await may_look(3)
    (bobs,) = [each["ekaki"] for each in browsers[3:]]
    key_of_bob = hashlib.sha256(bobs.encode()).hexdigest()
    assert await sessions_of(scene) == []
    assert await may_look(0)
    others = await sessions_of(scene)
    assert len(others) == 2
    assert await post(scene, f"/sessions/end/{others[0]}", origin="https://evil.test") == 403
    assert await post(scene, f"/sessions/end/{key_of_bob}") == 200
    assert await may_look(3), "another person's"
    assert [await may_look(number) for number in range(3)] == [True, True, True]
    assert await may_look(0)
    assert await post(scene, f"/sessions/end/{others[0]}") == 200
    assert sum([await may_look(number) for number in range(3)]) == 2
    assert await may_look(0)
    assert await post(scene, "/sessions/end", origin="null") == 403
    assert await post(scene, "/sessions/end") == 200
    assert [await may_look(number) for number in range(4)] == [False, False, False, True]


async def test_nobody_else_sees_sessions(scene: Scene) -> None:
    async with scene.http.get(f"{scene.page}/sessions", allow_redirects=False) as answer:
        assert answer.status == 303
        assert answer.headers["Location"] == "/"
    async with scene.http.get(f"{scene.page}/sessions/end") as answer:
        assert answer.status == 405


async def test_a_long_way_back_makes_no_cookie_that_browsers_drop(scene: Scene) -> None:
    for long in ("/?q=" + "x" * 6000, "/?q=" + "x" * 1900, "/?q=" + "絵" * 200):
        asked = {"next": long}
        async with scene.http.get(
            f"{scene.page}/sign-in", params=asked, allow_redirects=False
        ) as answer:
            assert len(answer.headers["Set-Cookie"]) < 4096
    kept = await scene.sign_in(IDS.alice, to="/?q=" + "絵" * 200)
    assert kept.startswith(f"{scene.page}/?q=")
    assert await scene.sign_in(IDS.alice, to="/?q=" + "x" * 6000) == f"{scene.page}/"


async def test_who_leaves_or_loses_the_channel_sees_it_no_more(scene: Scene) -> None:
    await scene.sign_in(IDS.bob)
    assert await scene.status("nsfw") == 200
    world = scene.place.server.world
    channel = world.channel(IDS.age_restricted)
    channel.overwrites = [
        {"id": str(IDS.guild), "type": 0, "allow": "0", "deny": str(p.VIEW_CHANNEL)}
    ]
    assert await scene.status("nsfw") == 404
    channel.overwrites = []
    assert await scene.status("nsfw") == 200
    channel.nsfw = False
    assert await scene.status("nsfw") == 404
    channel.nsfw = True
    del world.guild(IDS.guild).members[IDS.bob]
    assert await scene.status("nsfw") == 404


async def test_when_discord_does_not_answer_nothing_is_shown(scene: Scene) -> None:
    await scene.sign_in(IDS.alice)
    scene.place.server.world.guild(IDS.guild).members.pop(IDS.bot)
    assert await scene.status("nsfw") == 404
    assert await scene.status("nsfw", "/i/{}/320.webp") == 404


async def test_an_answer_counts_only_in_the_browser_that_asked(scene: Scene) -> None:
    async with scene.http.get(f"{scene.page}/sign-in", allow_redirects=False) as asked:
        address = asked.headers["Location"].replace("authorize?", "authorize/choose?")
        cookie = asked.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    async with scene.http.get(f"{address}&user={IDS.alice}", allow_redirects=False) as back:
        target = back.headers["Location"]
    async with ClientSession() as other, other.get(target) as answer:
        assert answer.status == 400
    forged = re.sub(r"state=[^&]+", "state=x", target)
    async with scene.http.get(forged) as answer:
        assert answer.status == 400
    async with scene.http.get(target) as answer:
        assert str(answer.url) == f"{scene.page}/"


async def test_who_says_no_is_back_where_they_were(scene: Scene) -> None:
    async with scene.http.get(f"{scene.page}/sign-in?next=/%3Forder%3Dtop") as asked:
        links = re.findall(r'href="(/oauth2/authorize/choose[^"]+)"', await asked.text())
    async with scene.http.get(scene.place.url + links[-1].replace("&amp;", "&")) as back:
        assert str(back.url) == f"{scene.page}/?order=top"
    async with scene.http.get(f"{scene.page}/sign-in?next=https://evil.test/") as asked:
        pass
    assert await scene.sign_in(IDS.alice, to="https://evil.test/") == f"{scene.page}/"


async def test_a_session_is_known_by_its_hash_and_ends(scene: Scene) -> None:
    await scene.sign_in(IDS.alice)
    words = [cookie.value for cookie in scene.http.cookie_jar]
    async with (
        Database.open(scene.shown.folder / DATABASE_NAME) as database,
        database.transaction() as connection,
    ):
        async with connection.execute("SELECT key FROM web_sessions") as cursor:
            keys = [row[0] for row in await cursor.fetchall()]
        assert keys
        assert not set(keys) & set(words)
        await web_sessions.forget(connection, user_id=IDS.alice)
    assert await scene.status("nsfw") == 404


async def test_signing_in_again_and_again_ends_the_oldest_session(scene: Scene) -> None:
    """As a script does that never keeps its cookie."""
    now = time.time()
    async with (
        Database.open(scene.shown.folder / DATABASE_NAME) as database,
        database.transaction() as connection,
    ):
        for number in range(SESSIONS_EACH + 5):
            for user_id in (IDS.alice, IDS.bob):
                session = WebSession(
                    user_id=user_id, name="", guild_ids=frozenset(), expires_at=now + 100 + number
                )
                key = f"{user_id}-{number}"
                await web_sessions.insert(connection, key=key, session=session)
    await scene.sign_in(IDS.alice)
    assert await scene.status("nsfw") == 200
    async with (
        Database.open(scene.shown.folder / DATABASE_NAME) as database,
        database.reader() as connection,
    ):
        hers = await web_sessions.of_user(connection, user_id=IDS.alice, now=now)
        others = await web_sessions.of_user(connection, user_id=IDS.bob, now=now)
    assert [key for key, _ in hers[1:]] == [
        f"{IDS.alice}-{number}" for number in range(SESSIONS_EACH + 4, 5, -1)
    ]
    assert len(others) == SESSIONS_EACH + 5


async def test_the_page_by_itself_logs_in_and_ends(
    loopback: Place, own_gallery: Shown, http: ClientSession
) -> None:
    from bot.config.settings import Settings
    from bot.playground.page.start import free_port
    from bot.web.alone import serve_alone

    port, stop = free_port("127.0.0.1", 28090), asyncio.Event()
    settings = Settings(
        discord_token=Secret(loopback.server.token),
        discord_client_secret=Secret("x"),
        discord_api_url=loopback.url,
        data_dir=own_gallery.folder,
        web_address=f"127.0.0.1:{port}",
    )
    serving = asyncio.create_task(serve_alone(settings, stop=stop))
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                async with http.get(f"http://127.0.0.1:{port}/") as answer:
                    assert "/sign-in" in await answer.text()
                    break
            except OSError:
                await asyncio.sleep(0.05)
    stop.set()
    assert await serving == 0

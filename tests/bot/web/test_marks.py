"""Stars and favourites by forms: who may set them, what is written, and what stays private."""

import html
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import discord
import pytest
from aiohttp import ClientSession

from bot.playground.simulator import permissions as p
from bot.playground.simulator.default_world import IDS
from bot.web import access, marks
from bot.web.access import Access, GalleryChannel, Membership
from data.gallery import posts, web
from data.gallery.entries import ENTRIES
from data.guilds import blocks, guild_settings
from data.guilds.blocks import Block
from data.guilds.server_settings import GuildSettings
from data.store.connection import Connection
from data.store.database import DATABASE_NAME, Database
from tests.bot.web.gallery import GUILD, Shown, page_over
from tests.bot.web.scene import Scene

MARKS = ("star", "unstar", "favourite", "unfavourite")


@asynccontextmanager
async def changing(shown: Shown) -> AsyncGenerator[Connection]:
    """The database from outside, as another process sees it."""
    async with (
        Database.open(shown.folder / DATABASE_NAME) as database,
        database.transaction() as connection,
    ):
        yield connection


async def send(
    scene: Scene, mark: str, *, entry_id: str = "", query: str = "", origin: str | None = None
) -> tuple[int, str]:
    """(Status, where it leads) of a form."""
    address = f"{scene.page}/p/{entry_id or scene.shown.safe[0]}/{mark}{query}"
    headers = {"Origin": scene.page if origin is None else origin} if origin != "" else {}
    async with scene.http.post(address, headers=headers, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location", "")


async def read(scene: Scene, entry_id: str = "") -> str:
    async with scene.http.get(f"{scene.page}/p/{entry_id or scene.shown.safe[0]}") as answer:
        assert answer.status == 200
        return html.unescape(await answer.text())


def forms(body: str) -> list[str]:
    """What the page offers."""
    return re.findall(r'class="mark" method="post" action="/p/[^/]+/(\w+)', body)


async def state(scene: Scene, entry_id: str = "") -> tuple[int, list[int], list[int]]:
    """(Stars, who gave one, whose favourite it is), as another process reads them."""
    async with changing(scene.shown) as connection:
        entry = await ENTRIES.one(connection, "WHERE e.id = ?", (entry_id or scene.shown.safe[0],))
        assert entry is not None
        voters = await connection.column(
            "SELECT user_id FROM gallery_votes WHERE entry = ?", (entry.number,)
        )
        marked = await connection.column(
            "SELECT user_id FROM favourites WHERE picture_id = ?", (entry.picture_id,)
        )
    return entry.votes, list(voters), list(marked)


async def test_a_member_gives_and_takes_back_a_star(scene: Scene) -> None:
    await scene.sign_in(IDS.alice)
    assert forms(await read(scene)) == ["star", "favourite"]
    entry_id = scene.shown.safe[0]
    for _ in range(2):  # sent twice is done once
        status, back = await send(scene, "star", query="?q=hair&order=top&next=https://evil.test")
        assert (status, back) == (303, f"/p/{entry_id}?q=hair&order=top#marks")
        assert await state(scene) == (1, [IDS.alice], [])
    body = await read(scene)
    assert forms(body) == ["unstar", "favourite"]
    assert "★</span> Starred" in body
    async with changing(scene.shown) as connection:
        due = await connection.column("SELECT key FROM outbox WHERE kind = 'gallery_entry'")
        assert list(due) == [entry_id], "the message in Discord is to follow"
    for _ in range(2):
        assert (await send(scene, "unstar"))[0] == 303
        assert await state(scene) == (0, [], [])


async def test_a_star_of_another_kind_is_the_same_vote(scene: Scene) -> None:
    await scene.sign_in(IDS.alice)
    async with changing(scene.shown) as connection:
        await connection.execute(
            "INSERT INTO gallery_stars (entry, user_id, message_id, starred_at)"
            " SELECT number, ?, 99, 5 FROM gallery_entries WHERE id = ?",
            (IDS.alice, scene.shown.safe[0]),
        )
    assert forms(await read(scene)) == ["unstar", "favourite"]
    await send(scene, "star")
    assert await state(scene) == (1, [IDS.alice], [])
    await send(scene, "unstar")
    assert await state(scene) == (0, [], [])


async def test_a_favourite_is_its_owners_alone(scene: Scene) -> None:
    await scene.sign_in(IDS.alice)
    for mark, kept, offered in (
        ("favourite", [IDS.alice], "unfavourite"), ("favourite", [IDS.alice], "unfavourite"),
        ("unfavourite", [], "favourite"), ("unfavourite", [], "favourite"),
    ):  # fmt: skip
        assert (await send(scene, mark))[0] == 303
        assert await state(scene) == (0, [], kept)
        assert forms(await read(scene)) == ["star", offered]
    await send(scene, "favourite")
    await scene.sign_in(IDS.bob)
    assert forms(await read(scene)) == ["star", "favourite"]


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("origin", ["", "null", "https://evil.test", "http://127.0.0.1"])
async def test_another_sites_form_does_nothing(scene: Scene, mark: str, origin: str) -> None:
    await scene.sign_in(IDS.alice)
    assert (await send(scene, mark, origin=origin))[0] == 403
    assert await state(scene) == (0, [], [])


@pytest.mark.parametrize("mark", MARKS)
async def test_a_stranger_is_led_back_and_nothing_is_written(scene: Scene, mark: str) -> None:
    assert forms(await read(scene)) == []
    assert await send(scene, mark) == (303, f"/p/{scene.shown.safe[0]}")
    assert await state(scene) == (0, [], [])


async def test_who_left_since_signing_in_can_do_nothing(scene: Scene) -> None:
    await scene.sign_in(IDS.bob)
    assert forms(await read(scene)) == ["star", "favourite"]
    del scene.place.server.world.guild(IDS.guild).members[IDS.bob]
    for mark in MARKS:
        assert (await send(scene, mark))[0] == 403
    assert await state(scene) == (0, [], [])
    assert forms(await read(scene)) == []


async def test_discord_is_asked_at_that_moment(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "KNOWN_S", 1e6)
    await scene.sign_in(IDS.bob)
    assert forms(await read(scene)) == ["star", "favourite"]
    del scene.place.server.world.guild(IDS.guild).members[IDS.bob]
    assert forms(await read(scene)) == ["star", "favourite"], "the answer still holds"
    assert (await send(scene, "star"))[0] == 403
    assert forms(await read(scene)) == []


async def test_nobody_is_a_member_while_discord_does_not_answer(scene: Scene) -> None:
    await scene.sign_in(IDS.alice)
    scene.place.server.world.guild(IDS.guild).members.pop(IDS.bot)
    assert (await send(scene, "star"))[0] == 403
    assert await state(scene) == (0, [], [])


async def own_picture(scene: Scene) -> None:
    async with changing(scene.shown) as connection:
        await connection.execute("UPDATE jobs SET user_id = ?", (IDS.alice,))
        await web.set_maker(connection, user_id=IDS.alice, on_web=True)
        await connection.execute(
            "UPDATE gallery_entries SET maker_id = ? WHERE on_web = 1", (IDS.alice,)
        )


async def block_alice(scene: Scene) -> None:
    block = Block(
        guild_id=GUILD, subject="user", subject_id=IDS.alice, reason="", blocked_by=1,
        blocked_at=0.0, until=None,
    )  # fmt: skip
    async with changing(scene.shown) as connection:
        await blocks.put(connection, block=block)


async def close_gallery(scene: Scene) -> None:
    async with changing(scene.shown) as connection:
        await guild_settings.put(
            connection, guild_id=GUILD, settings=GuildSettings(gallery_web=True)
        )


async def lose_channel(scene: Scene) -> None:
    """The only gallery channel is not age-restricted any more, so there is no gallery."""
    scene.place.server.world.channel(IDS.age_restricted).nsfw = False


@pytest.mark.parametrize("change", [own_picture, block_alice, close_gallery, lose_channel])
async def test_a_star_counts_by_the_rules_of_the_buttons(scene: Scene, change: Any) -> None:
    await scene.sign_in(IDS.alice)
    assert (await send(scene, "star"))[0] == 303
    await change(scene)
    before = await state(scene)
    assert forms(await read(scene)) == ["favourite"]
    for mark in ("star", "unstar"):
        assert (await send(scene, mark))[0] == 403
    assert await state(scene) == before
    assert (await send(scene, "favourite"))[0] == 303


async def test_own_pictures_may_be_starred_where_moderators_say_so(scene: Scene) -> None:
    await own_picture(scene)
    async with changing(scene.shown) as connection:
        settings = GuildSettings(
            gallery_web=True, gallery_self_votes=True, gallery_channel_id=IDS.gallery
        )
        await guild_settings.put(connection, guild_id=GUILD, settings=settings)
    await scene.sign_in(IDS.alice)
    assert (await send(scene, "star"))[0] == 303
    assert await state(scene) == (1, [IDS.alice], [])


def timed_out(_: discord.Member) -> bool:
    return True


async def test_who_may_press_no_buttons_in_discord_gets_none_here(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.sign_in(IDS.alice)
    monkeypatch.setattr(discord.Member, "is_timed_out", timed_out)
    assert forms(await read(scene)) == []
    for mark in MARKS:
        assert (await send(scene, mark))[0] == 403


@pytest.mark.parametrize("kind", ["elsewhere", "not on the web", "hidden", "removed", "waiting"])
async def test_what_may_not_be_seen_takes_no_marks(scene: Scene, kind: str) -> None:
    await scene.sign_in(IDS.alice)
    for mark in MARKS:
        told = await send(scene, mark, entry_id=scene.shown.ids[kind])
        assert told == await send(scene, mark, entry_id="a" * 26)
        assert told == (404, "")
    assert await state(scene, scene.shown.ids[kind]) == (0, [], [])


async def test_higher_ratings_take_marks_of_who_sees_them(scene: Scene) -> None:
    nsfw = scene.shown.ids["nsfw"]
    assert (await send(scene, "star", entry_id=nsfw))[0] == 404
    await scene.sign_in(IDS.bob)
    assert (await send(scene, "star", entry_id=nsfw))[0] == 303
    assert await state(scene, nsfw) == (1, [IDS.bob], [])
    channel = scene.place.server.world.channel(IDS.age_restricted)
    channel.overwrites = [
        {"id": str(IDS.guild), "type": 0, "allow": "0", "deny": str(p.VIEW_CHANNEL)}
    ]
    assert (await send(scene, "unstar", entry_id=nsfw))[0] == 404
    assert await state(scene, nsfw) == (1, [IDS.bob], [])


async def test_what_stars_brought_leaves_with_them(scene: Scene) -> None:
    entry_id = scene.shown.safe[0]
    await scene.sign_in(IDS.alice)
    await send(scene, "star")
    async with changing(scene.shown) as connection:
        await connection.execute("UPDATE gallery_entries SET needed = 1 WHERE id = ?", (entry_id,))
    status, back = await send(scene, "unstar")
    assert (status, back) == (303, f"/p/{entry_id}#marks")
    async with scene.http.get(scene.page + back) as answer:
        assert answer.status == 404


async def post_in(scene: Scene, channel_id: int, **changes: Any) -> None:
    async with changing(scene.shown) as connection:
        for entry_id in (scene.shown.safe[0], scene.shown.ids["nsfw"]):
            await posts.forget(connection, entry_id=entry_id)
            await posts.begin(
                connection, entry_id=entry_id, guild_id=GUILD, channel_id=channel_id, now=1.0
            )
            await posts.sent(connection, entry_id=entry_id, thread_id=None, message_id=55, shown="")
            for name, value in changes.items():
                await connection.execute(f"UPDATE gallery_posts SET {name} = ?", (value,))


async def test_only_members_who_see_the_channel_learn_where_the_message_is(scene: Scene) -> None:
    await post_in(scene, IDS.gallery)
    link = f"https://discord.com/channels/{GUILD}/{IDS.gallery}/55"
    assert "discord.com/channels" not in await read(scene)
    await scene.sign_in(IDS.alice)
    assert f'href="{link}"' in await read(scene)
    for change in ({"gone": 1}, {"leaving": 1}, {"message_id": None}):
        await post_in(scene, IDS.gallery, **change)
        assert "discord.com/channels" not in await read(scene)
    await post_in(scene, IDS.moderators)
    assert str(IDS.moderators) not in await read(scene)
    await scene.sign_in(IDS.moderator)
    assert f"/{IDS.moderators}/55" in await read(scene)
    del scene.place.server.world.guild(IDS.guild).members[IDS.moderator]
    assert "discord.com/channels" not in await read(scene)


async def test_a_page_is_never_anothers(scene: Scene) -> None:
    await post_in(scene, IDS.gallery)
    path = f"{scene.page}/p/{scene.shown.safe[0]}"
    tags: set[str] = set()

    async def tag() -> str:
        async with scene.http.get(path) as answer:
            assert answer.headers["Cache-Control"] == "private, no-cache"
            assert "Cookie" in answer.headers["Vary"]
            return answer.headers["ETag"]

    tags.add(await tag())
    await scene.sign_in(IDS.alice)
    tags.add(await tag())
    await send(scene, "favourite")
    member = await tag()
    tags.add(member)
    await send(scene, "star")
    tags.add(await tag())
    assert len(tags) == 4
    scene.http.cookie_jar.clear()
    async with scene.http.get(path, headers={"If-None-Match": member}) as answer:
        assert answer.status == 200
        assert "discord.com/channels" not in await answer.text()


async def test_one_person_can_not_have_discord_asked_without_end(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.sign_in(IDS.alice)
    asked: list[int] = []
    membership = Access.membership

    async def counting(self: Access, *args: Any, **options: Any) -> Any:
        asked.append(1)
        return await membership(self, *args, **options)

    monkeypatch.setattr(Access, "membership", counting)
    cookies = {cookie.key: cookie.value for cookie in scene.http.cookie_jar}
    found = set[int]()
    async with page_over(
        scene.shown.folder, web_proxies=1, web_requests_per_minute=1_000_000
    ) as page, ClientSession(cookies=cookies) as http:  # fmt: skip
        for number in range(int(marks.PER_MINUTE)):
            headers = {"Origin": page, "X-Forwarded-For": f"203.0.113.{number}"}
            address = f"{page}/p/{scene.shown.safe[0]}/star"
            async with http.post(address, headers=headers, allow_redirects=False) as answer:
                found.add(answer.status)
    assert found == {403, 429}, "from many addresses one person is still one"
    assert len(asked) < marks.PER_MINUTE


async def test_a_mark_costs_its_address_as_much_as_signing_in(scene: Scene) -> None:
    await scene.sign_in(IDS.alice)
    cookies = {cookie.key: cookie.value for cookie in scene.http.cookie_jar}
    async with page_over(
        scene.shown.folder, web_proxies=1, web_requests_per_minute=180
    ) as page, ClientSession(cookies=cookies) as http:  # fmt: skip
        headers = {"Origin": page, "X-Forwarded-For": "203.0.113.9"}
        address = f"{page}/p/{scene.shown.safe[0]}/favourite"
        found: list[int] = []
        for _ in range(4):
            async with http.post(address, headers=headers, allow_redirects=False) as answer:
                found.append(answer.status)
    assert found == [403, 403, 429, 429]


async def test_a_form_is_sent_by_post_alone(scene: Scene) -> None:
    await scene.sign_in(IDS.alice)
    for mark in MARKS:
        async with scene.http.get(f"{scene.page}/p/{scene.shown.safe[0]}/{mark}") as answer:
            assert answer.status == 405
            assert answer.headers["Allow"] == "POST"
    for odd in ("stars", "Star", "star/", "%73tar%00", ""):
        assert (await send(scene, odd))[0] in {404, 405}
    assert await state(scene) == (0, [], [])


def test_a_gallery_is_there_as_long_as_a_channel_is() -> None:
    plain, adult = (
        GalleryChannel(open=False, age_restricted=False),
        GalleryChannel(open=True, age_restricted=True),
    )
    settings = GuildSettings(gallery_channel_id=1, gallery_adult_channel_id=2)
    for channels, there in (
        ({}, False),
        ({1: plain}, True),
        ({2: plain}, False),
        ({2: adult}, True),
    ):
        assert Membership(may_act=True, channels=channels).has_gallery(settings) is there
    nowhere = Membership(may_act=True, channels={1: adult})
    assert not nowhere.has_gallery(GuildSettings())

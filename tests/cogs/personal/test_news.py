"""Makers are told of stars and remixes as they chose in `/me`, once, and of nothing they may not
see."""

from collections.abc import AsyncGenerator

import pytest

from bot.library.news import DIGEST_S
from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.world import Message
from cogs.personal.news import GATHER_S, MAX_LINES
from data.guilds import blocks
from data.guilds.blocks import Block
from data.people import news
from data.people.news import Told
from tests.cogs.gallery.helpers import STAR, gallery_bot, nothing_more, picture
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, whole
from tests.support.faults import Fault
from tests.support.patience import until
from tests.support.views import MessageView

END = "`/me` changes whether and when I tell you this."


@pytest.fixture
async def running(place: Discord) -> AsyncGenerator[Running]:
    async with gallery_bot(place, gallery_threshold=50) as running:
        yield running


async def choose(visitor: Visitor, told: Told) -> MessageView:
    panel = await visitor.answer("me")
    await visitor.member.select(panel, "ekaki:me:news", [told])
    return visitor.member.message(panel.id)


def told(place: Discord, channel_id: int = IDS.dm_alice) -> list[Message]:
    return place.seen(channel_id)


async def star(visitor: Visitor, message: MessageView) -> None:
    await visitor.member.react(message, STAR)


async def states(running: Running) -> list[str]:
    async with running.services.database.reader() as connection:
        return await connection.column("SELECT state FROM maker_news ORDER BY number")


async def settled(running: Running, *wanted: str) -> None:
    """Until news have these states, the oldest first, and nothing waits to be sent."""
    await nothing_more(running)
    await until(lambda: states_are(running, wanted))


async def states_are(running: Running, wanted: tuple[str, ...]) -> bool:
    async with running.services.database.reader() as connection:
        waits = await connection.exists("SELECT 1 FROM outbox WHERE kind = 'maker_news'")
    return not waits and tuple(await states(running)) == wanted


async def an_hour_passes(running: Running) -> None:
    """What housekeeping does every hour."""
    await running.services.jobs._housekeeping.clean()  # pyright: ignore[reportPrivateUsage]


async def test_nobody_is_told_who_did_not_ask(
    place: Discord, running: Running, alice: Visitor, bob: Visitor
) -> None:
    panel = await alice.answer("me")
    assert "remixes of your pictures\nno messages" in panel.text
    _, message = await picture(alice, running)
    await star(bob, message)
    await settled(running)
    assert told(place) == []


async def test_a_star_is_told_at_once_and_once(
    place: Discord, running: Running, alice: Visitor, bob: Visitor
) -> None:
    panel = await choose(alice, Told.AT_ONCE)
    assert "messages right away" in panel.text
    _, message = await picture(alice, running, "1girl, [hat], long hair, smile, night, rain")
    await star(alice, message)  # one's own is no news
    await star(bob, message)
    await settled(running, "told")
    (sent,) = told(place)
    link = f"https://discord.com/channels/{IDS.guild}/{IDS.general}/{message.id}"
    assert sent.content.startswith("⭐ 1 person starred [1girl, ")
    assert f"](<{link}>)" in sent.content
    assert sent.content.endswith(END)
    assert str(IDS.bob) not in sent.content
    await bob.member.react(message, STAR, add=False)
    await nothing_more(running)
    await star(bob, message)
    await settled(running, "told")
    assert len(told(place)) == 1


async def test_a_remix_is_told_in_the_language_of_who_is_told(
    place: Discord, running: Running, alice: Visitor, bob: Visitor
) -> None:
    place.world.users[IDS.alice].locale = "ja"
    await choose(alice, Told.AT_ONCE)
    place.world.users[IDS.alice].locale = "en-US"
    _, message = await picture(alice, running)
    await bob.press(message, "Re-roll")
    await running.all_delivered(2)
    await settled(running, "told")
    (sent,) = told(place)
    _, made = await running.jobs()
    assert f"<@{IDS.bob}>さんが" in sent.content
    assert f"/{made.message_id}>)" in sent.content
    assert f"/{message.id}>)" in sent.content
    assert sent.mention_ids == []


async def test_ones_own_remixes_are_no_news(
    place: Discord, running: Running, alice: Visitor
) -> None:
    await choose(alice, Told.AT_ONCE)
    _, message = await picture(alice, running)
    await alice.press(message, "Re-roll")
    await running.all_delivered(2)
    await settled(running)
    assert told(place) == []


async def test_one_digest_a_day(
    place: Discord, running: Running, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    await choose(alice, Told.DAILY)
    _, first = await picture(alice, running, "first")
    _, second = await picture(alice, running, "second")
    await star(bob, first)
    await star(moderator, first)
    await settled(running, "new", "new")
    await an_hour_passes(running)
    await settled(running, "new", "new")
    assert told(place) == []
    place.advance(DIGEST_S + 1)
    await star(bob, second)
    await an_hour_passes(running)
    await settled(running, "told", "told", "told")
    (sent,) = told(place)
    assert "2 people starred [first]" in sent.content
    assert "1 person starred [second]" in sent.content
    await star(moderator, second)
    await an_hour_passes(running)
    await settled(running, "told", "told", "told", "new")
    assert len(told(place)) == 1


@pytest.mark.parametrize("why", ["deleted", "taken back", "blocked", "maker blocked", "left"])
async def test_what_a_maker_may_not_see_any_more_is_not_told(
    place: Discord, running: Running, alice: Visitor, bob: Visitor, why: str
) -> None:
    await choose(alice, Told.DAILY)
    job, message = await picture(alice, running)
    await star(bob, message)
    await bob.press(message, "Re-roll")
    await running.all_delivered(2)
    await settled(running, "new", "new")
    _, made = await running.jobs()
    wanted = ["told", "told"]
    match why:
        case "deleted":
            for visitor, gone in ((bob, made), (alice, job)):
                asked = await whole(await visitor.press(
                    visitor.member.message(gone.message_id or 0), "Delete"))  # fmt: skip
                await visitor.member.press(asked, "Delete permanently")
            wanted = []
        case "taken back":
            await bob.member.react(message, STAR, add=False)
            asked = await whole(await bob.press(bob.member.message(made.message_id or 0), "Delete"))
            await bob.member.press(asked, "Delete permanently")
            wanted = ["told"]
        case "blocked" | "maker blocked":
            await block(running, IDS.bob if why == "blocked" else IDS.alice)
        case _:
            del place.world.guilds[IDS.guild].members[IDS.alice]
    await nothing_more(running)
    place.advance(DIGEST_S + 1)
    await an_hour_passes(running)
    await settled(running, *wanted)
    assert told(place) == []


async def block(running: Running, user_id: int) -> None:
    found = Block(
        guild_id=IDS.guild, subject="user", subject_id=user_id, reason="", blocked_by=1,
        blocked_at=running.services.clock.time(), until=None,
    )  # fmt: skip
    await running.services.database.write(blocks.put, block=found)


async def test_a_channel_that_was_hidden_meanwhile_is_not_told_of(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with gallery_bot(place, gallery_threshold=50) as running:
        await choose(alice, Told.DAILY)
        _, message = await picture(alice, running)
        await star(bob, message)
        await settled(running, "new")
    view = str(1 << 10)
    place.world.channel(IDS.general).overwrites = [
        {"id": str(IDS.guild), "type": 0, "allow": "0", "deny": view},
        {"id": str(IDS.bot_role), "type": 0, "allow": view, "deny": "0"},
    ]
    place.advance(DIGEST_S + 1)
    async with gallery_bot(place, gallery_threshold=50) as running:
        await running.services.database.write(news.put_due, before=place.clock.time() - DIGEST_S)
        await settled(running, "told")
    assert told(place) == []


@pytest.mark.parametrize("path", ["/users/@me/channels", rf"/channels/{IDS.dm_alice}/messages"])
@pytest.mark.parametrize("code", [50007, 50278])
async def test_closed_direct_messages_are_tried_once(
    place: Discord, running: Running, alice: Visitor, bob: Visitor, *, path: str, code: int
) -> None:
    await choose(alice, Told.AT_ONCE)
    fault = Fault(method="POST", path=path, status=403, code=code, times=1000)
    place.loopback.faults.add(fault)
    _, message = await picture(alice, running)
    await star(bob, message)
    await settled(running, "told")
    assert fault.times == 999
    place.loopback.faults.clear()
    await an_hour_passes(running)
    await settled(running, "told")
    assert told(place) == []


async def test_it_is_sent_again_after_trouble_but_not_twice(
    place: Discord, running: Running, alice: Visitor, bob: Visitor
) -> None:
    await choose(alice, Told.AT_ONCE)
    _, message = await picture(alice, running)
    path = rf"/channels/{IDS.dm_alice}/messages"
    place.loopback.faults.add(Fault(method="POST", path=path, cut="before"))
    place.loopback.faults.add(Fault(method="POST", path=path, cut="after"))
    await star(bob, message)
    await settled(running, "told")
    assert len(told(place)) == 1


@pytest.mark.parametrize("arrived", [True, False])
async def test_a_kill_between_the_message_and_its_entry_repeats_nothing(
    place: Discord, running: Running, alice: Visitor, bob: Visitor, arrived: bool
) -> None:
    """The row of the outbox is as new, as when more happened before the kill."""
    await choose(alice, Told.AT_ONCE)
    _, message = await picture(alice, running)
    await star(bob, message)
    await settled(running, "told")
    (sent,) = told(place)
    if not arrived:
        sent.deleted_at = place.world.time()
    async with running.services.database.transaction() as connection:
        await connection.execute("UPDATE maker_news SET state = 'sending'")
        await news.put_due(connection, before=0.0)
    place.advance(GATHER_S + 1)
    await settled(running, "told")
    assert len([each for each in told(place) if each.deleted_at is None]) == 1


async def test_off_forgets_what_waits(
    place: Discord, running: Running, alice: Visitor, bob: Visitor
) -> None:
    await choose(alice, Told.DAILY)
    _, message = await picture(alice, running)
    await star(bob, message)
    await settled(running, "new")
    panel = await choose(alice, Told.OFF)
    assert "no messages" in panel.text
    await settled(running)
    await choose(alice, Told.AT_ONCE)
    await settled(running)
    assert told(place) == []


async def test_what_waits_is_told_where_at_once_is_chosen(
    place: Discord, running: Running, alice: Visitor, bob: Visitor
) -> None:
    await choose(alice, Told.DAILY)
    _, message = await picture(alice, running)
    await star(bob, message)
    await settled(running, "new")
    await choose(alice, Told.AT_ONCE)
    await settled(running, "told")
    assert len(told(place)) == 1


async def test_many_are_one_message(
    place: Discord, running: Running, alice: Visitor, bob: Visitor
) -> None:
    await choose(alice, Told.DAILY)
    for number in range(MAX_LINES + 2):
        _, message = await picture(alice, running, f"picture {number}")
        await star(bob, message)
    await settled(running, *["new"] * (MAX_LINES + 2))
    await choose(alice, Told.AT_ONCE)
    await settled(running, *["told"] * (MAX_LINES + 2))
    (sent,) = told(place)
    assert "And 2 more." in sent.content
    assert len(sent.content) <= 2000

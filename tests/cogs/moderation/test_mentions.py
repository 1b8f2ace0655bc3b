"""People who address the bot are told what to type, and nobody else is."""

import logging
from collections.abc import Callable

import pytest

from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.world import World
from cogs.moderation.mentions import PAUSE_S
from data.shipped.text import text
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, open_bot
from tests.support.views import MessageView

US = f"<@{IDS.bot}>"


def answers(visitor: Visitor, channel: int) -> list[MessageView]:
    return [
        message
        for message in visitor.member.visible_messages(channel)
        if message.author_id == IDS.bot
    ]


@pytest.mark.parametrize(
    ("channel", "words"),
    [
        (IDS.general, f"{US} draw a cat"),
        (IDS.general, f"draw a cat, <@!{IDS.bot}>"),
        (IDS.thread, f"{US}"),
        (IDS.dm_alice, "draw a cat"),
        (IDS.dm_alice, "/imagine a cat"),
        (IDS.dm_alice, f"{US} help"),
    ],
)
async def test_a_person_is_told_what_to_type(
    running: Running, alice: Visitor, channel: int, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    alice.member.say(words, channel=channel)
    await running.heard()
    (answer,) = answers(alice, channel)
    assert answer.content == text("mention.answer")
    assert "/imagine" in answer.content
    assert not answer.mention_ids
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR]


async def test_once_in_a_while_and_each_person(
    place: Discord, running: Running, alice: Visitor, bob: Visitor
) -> None:
    for _ in range(3):
        alice.member.say(f"{US} draw", channel=IDS.general)
    alice.member.say("hello?", channel=IDS.dm_alice)
    bob.member.say(f"{US} draw", channel=IDS.general)
    await running.heard()
    assert len(answers(alice, IDS.general)) == 2
    assert answers(alice, IDS.dm_alice) == []
    place.advance(PAUSE_S + 1)
    alice.member.say("hello?", channel=IDS.dm_alice)
    await running.heard()
    assert len(answers(alice, IDS.dm_alice)) == 1


@pytest.mark.parametrize(
    "words",
    ["draw a cat", "Ekaki, draw a cat", "@everyone look", "<@100000000000000003> look", "@Ekaki",
     f"<@&{IDS.bot_role}> look"],
)  # fmt: skip
async def test_nothing_is_said_to_who_does_not_speak_to_it(
    running: Running, alice: Visitor, words: str
) -> None:
    alice.member.say(words, channel=IDS.general)
    await running.heard()
    assert answers(alice, IDS.general) == []


def as_a_bot(world: World) -> None:
    world.users[IDS.alice].bot = True


def muted(world: World) -> None:
    world.guilds[IDS.guild].roles[IDS.bot_role].permissions = 0
    world.guilds[IDS.guild].roles[IDS.guild].permissions &= ~(1 << 11)


@pytest.mark.parametrize("change", [as_a_bot, muted])
async def test_bots_and_closed_channels_get_no_answer(
    place: Discord, alice: Visitor, change: Callable[[World], None]
) -> None:
    sayer = Visitor(place, IDS.owner if change is muted else IDS.alice)
    change(place.world)
    async with open_bot(place) as running:
        sayer.member.say(f"{US} draw", channel=IDS.general)
        await running.heard()
    assert answers(alice, IDS.general) == []
    sent = [each for each in place.loopback.log.entries if each.method == "POST"]
    assert not [each for each in sent if each.path.endswith(f"{IDS.general}/messages")]


async def test_it_speaks_the_language_of_the_place(
    place: Discord, running: Running, alice: Visitor
) -> None:
    place.world.users[IDS.alice].locale = "ja"
    alice.member.say("描いて", channel=IDS.dm_alice)
    await running.heard()
    # nobody reported it yet
    assert answers(alice, IDS.dm_alice)[-1].content == text("mention.answer")
    running.services.languages.choose(IDS.guild, "ja")
    place.advance(PAUSE_S + 1)
    alice.member.say(f"{US} 描いて", channel=IDS.general)
    await running.heard()
    assert answers(alice, IDS.general)[-1].content == text("mention.answer", locale="ja")


async def test_a_direct_message_is_answered_as_the_latest_request_was(
    place: Discord, alice: Visitor
) -> None:
    place.world.users[IDS.alice].locale = "ja"
    async with open_bot(place) as running:
        await alice.draw(running, "1girl", private=True)
        place.world.users[IDS.alice].locale = "en-US"
        running.services.languages.choose(IDS.guild, "en")
        await alice.draw(running, "1boy")
        alice.member.say("もう一枚", channel=IDS.dm_alice)
        await running.heard()
    assert answers(alice, IDS.dm_alice)[-1].content == text("mention.answer", locale="ja")

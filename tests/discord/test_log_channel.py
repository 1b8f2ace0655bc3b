"""The log channel: every entry once, also over a crash; private words only for moderators."""

import asyncio
from collections.abc import AsyncGenerator, Callable

import pytest

from bot.loopback.default_world import IDS
from bot.loopback.permissions import VIEW_CHANNEL
from bot.loopback.views import MessageView
from data import audit, guild_settings
from data.guild_settings import GuildSettings
from tests.discord.house import Discord, Running
from tests.discord.visitors import Visitor, open_house
from tests.support.patience import PATIENCE_S

LOG = IDS.art


@pytest.fixture
async def running(place: Discord) -> AsyncGenerator[Running, None]:
    async with open_house(place) as running:
        yield running


async def set_log(running: Running, channel_id: int | None = LOG) -> None:
    async with running.services.database.transaction() as connection:
        settings = GuildSettings(log_channel_id=channel_id)
        await guild_settings.put(connection, guild_id=IDS.guild, settings=settings)


def close(place: Discord) -> None:
    """Only moderators read the channel."""
    bits = str(VIEW_CHANNEL)
    place.world.channel(LOG).overwrites = [
        {"id": str(IDS.guild), "type": 0, "allow": "0", "deny": bits},
        {"id": str(IDS.moderator_role), "type": 0, "allow": bits, "deny": "0"},
        {"id": str(IDS.bot_role), "type": 0, "allow": bits, "deny": "0"},
    ]


async def posted(
    moderator: Visitor, enough: Callable[[list[MessageView]], bool]
) -> list[MessageView]:
    async with asyncio.timeout(PATIENCE_S):
        while not enough(found := moderator.member.visible_messages(LOG)):
            await asyncio.sleep(0.02)
    return found


async def unposted(running: Running) -> int:
    async with running.services.database.reader() as reader:
        return len(await audit.to_post(reader, guild_id=IDS.guild, limit=100))


async def all_posted(running: Running) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await unposted(running):
            await asyncio.sleep(0.02)


async def test_what_happens_is_posted_for_moderators(
    place: Discord, alice: Visitor, moderator: Visitor
) -> None:
    close(place)
    async with open_house(place) as running:
        await set_log(running)
        await alice.draw(running, "1girl, umbrella", private=True)
        await alice.wish("1girl, loli")
        await moderator.answer("moderate block", user=IDS.alice, reason="@everyone <@&1>")
        await all_posted(running)
        found = await posted(moderator, lambda messages: "blocked" in messages[-1].text)
        text = "\n".join(message.text for message in found)
        assert "umbrella" in text
        assert "a rule of every server: loli" in text
        assert f"<@{IDS.moderator}> blocked <@{IDS.alice}>" in text
        assert all(message.mention_ids == [] for message in found)


async def test_where_everybody_reads_private_words_stay_private(
    running: Running, alice: Visitor, moderator: Visitor
) -> None:
    await set_log(running)
    await alice.draw(running, "1girl, umbrella", private=True)
    await alice.draw(running, "1girl, tulip")
    await all_posted(running)
    text = "\n".join(m.text for m in moderator.member.visible_messages(LOG))
    assert "umbrella" not in text
    assert "tulip" in text


async def test_what_came_before_the_log_channel_is_not_posted(
    running: Running, alice: Visitor, moderator: Visitor
) -> None:
    await alice.draw(running, "1girl, umbrella")
    await set_log(running)  # from now on
    await alice.draw(running, "1girl, tulip")
    found = await posted(moderator, lambda messages: any("tulip" in m.text for m in messages))
    assert "umbrella" not in "\n".join(message.text for message in found)
    await all_posted(running)


async def test_a_log_channel_that_was_deleted_disturbs_nothing(
    place: Discord, running: Running, alice: Visitor, moderator: Visitor
) -> None:
    await set_log(running)
    place.loopback.changes.delete_channel(LOG)
    await alice.draw(running, "1girl")
    await all_posted(running)
    assert "asked in" in (await moderator.answer("moderate log")).text


async def test_after_a_crash_nothing_is_posted_twice(
    place: Discord, alice: Visitor, moderator: Visitor
) -> None:
    async with open_house(place) as running:
        await set_log(running)
        await alice.draw(running, "1girl, umbrella")
        await all_posted(running)
        async with running.services.database.transaction() as connection:
            await connection.execute("UPDATE audit_log SET posted = 0")  # killed before the entry
    async with open_house(place) as running:
        await alice.draw(running, "1girl, tulip")
        await all_posted(running)
        text = "\n".join(m.text for m in moderator.member.visible_messages(LOG))
        assert text.count("umbrella") == 1
        assert text.count("tulip") == 1

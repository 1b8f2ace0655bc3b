"""The log channel: every entry once, also over a crash; private words only for moderators."""

import asyncio
from collections.abc import Callable

import pytest

from bot.outbox.kinds import Kind
from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.permissions import VIEW_CHANNEL
from cogs.moderation import log_channel
from data.guilds import audit, guild_settings, outbox
from data.guilds.audit import AuditEntry, AuditEvent, AuditKind
from data.guilds.server_settings import GuildSettings
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, open_bot
from tests.support.faults import Fault
from tests.support.patience import PATIENCE_S, until
from tests.support.views import MessageView

LOG = IDS.art


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
    def found() -> list[MessageView] | None:
        seen = moderator.member.visible_messages(LOG)
        return seen if enough(seen) else None

    return await until(found)


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
    async with open_bot(place) as running:
        await set_log(running)
        await alice.draw(running, "1girl, umbrella", private=True)
        await alice.imagine("1girl, loli")
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
    async with open_bot(place) as running:
        await set_log(running)
        await alice.draw(running, "1girl, umbrella")
        await all_posted(running)
        async with running.services.database.transaction() as connection:
            await connection.execute("UPDATE audit_log SET posted = 0")  # killed before the entry
    async with open_bot(place) as running:
        await alice.draw(running, "1girl, tulip")
        await all_posted(running)
        text = "\n".join(m.text for m in moderator.member.visible_messages(LOG))
        assert text.count("umbrella") == 1
        assert text.count("tulip") == 1


async def note(running: Running, *names: str) -> list[int]:
    """Entries that wait together."""
    async with running.services.database.transaction() as connection:
        return [
            await running.services.audit.record_in(
                connection,
                AuditEvent(kind=AuditKind.LIMITS_RESET, guild_id=IDS.guild, details={"name": name}),
            )
            for name in names
        ]


DETAILS = {
    "no JSON": "details = '{'",
    "no object": "details = '7'",
    "odd values": """details = '{"why": "x", "old": {"a": []}, "until": "never"}'""",
    "no time": "at = 9e999",
    "another kind": "kind = 'of another version'",
    "no text": "kind = CAST(x'ff' AS TEXT)",
}


@pytest.mark.parametrize("change", DETAILS.values(), ids=DETAILS)
@pytest.mark.parametrize("kind", ["refused", "setting_changed", "blocked"])
async def test_a_damaged_entry_gets_a_line_and_stops_no_other(
    running: Running, moderator: Visitor, change: str, kind: str
) -> None:
    bad, good = await note(running, "bad", "good")
    async with running.services.database.transaction() as connection:
        await connection.execute("PRAGMA ignore_check_constraints = ON")
        await connection.execute("UPDATE audit_log SET kind = ? WHERE id = ?", (kind, bad))
        await connection.execute(f"UPDATE audit_log SET {change} WHERE id = ?", (bad,))
        await connection.execute("UPDATE audit_log SET posted = 0")
        await connection.execute("PRAGMA ignore_check_constraints = OFF")
    await set_log(running)
    await running.services.database.write(
        outbox.put,
        kind=Kind.AUDIT_LOG,
        key=str(IDS.guild),
        lane=f"log:{IDS.guild}",
        guild_id=IDS.guild,
    )
    (message,) = await posted(moderator, lambda found: len(found) == 1)
    assert f"#{bad}" in message.embeds[0]["description"]
    assert f"#{good}" in message.embeds[0]["description"]


async def test_an_entry_that_discord_does_not_take_stops_no_other(
    running: Running, moderator: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = log_channel.line

    def line(entry: AuditEntry, **options: bool) -> str:
        too_much = entry.details.get("name") == "bad"
        return "x" * 5000 if too_much else made(entry, **options)

    monkeypatch.setattr(log_channel, "line", line)
    await set_log(running)
    _, first, _, second, _ = await note(running, "bad", "good", "bad", "good", "bad")
    await posted(moderator, lambda found: len(found) == 2)
    (third,) = await note(running, "good")
    await all_posted(running)
    found = await posted(moderator, lambda found: len(found) == 3)
    assert numbers(found) == [first, second, third]


def numbers(messages: list[MessageView]) -> list[int]:
    """The entries that they show, of which each has one."""
    return [int(message.embeds[0]["footer"]["text"].removeprefix("#")) for message in messages]


@pytest.mark.parametrize("refusals", [2, 3])
async def test_a_channel_that_takes_none_for_a_moment_gets_all(
    place: Discord, running: Running, moderator: Visitor, refusals: int
) -> None:
    """It opens in the middle of the entries, which are sent one by one by then."""
    refusal = Fault(
        method="POST", path=f"/channels/{LOG}/messages", status=400, code=50035, times=refusals
    )
    place.loopback.faults.add(refusal)
    await set_log(running)
    made = await note(running, "a", "b", "c")
    await all_posted(running)
    found = await posted(moderator, lambda found: len(found) == 3)
    assert sorted(numbers(found)) == made


async def test_entries_of_which_discord_takes_none_wait(
    place: Discord, running: Running, moderator: Visitor
) -> None:
    refusal = Fault(
        method="POST", path=f"/channels/{LOG}/messages", status=400, code=50035, times=4
    )
    place.loopback.faults.add(refusal)
    await set_log(running)
    await note(running, "a", "b", "c")
    await until(lambda: running.services.outbox.parked(limit=1))
    assert await unposted(running) == 3
    await note(running, "d")
    await all_posted(running)
    assert len(await posted(moderator, lambda found: len(found) == 1)) == 1

"""`/moderate` as moderators and members use it."""

import pytest

from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.errors import RefusedByClient
from data.guilds import guild_limits
from data.guilds.server_settings import LimitSet
from tests.cogs.moderation.helpers import log, lose_role
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, labels, open_bot, whole
from tests.support.fake_engine import FakeEngine


async def test_a_moderator_blocks_lists_and_unblocks(
    running: Running, moderator: Visitor, alice: Visitor
) -> None:
    said = await moderator.answer(
        "moderate block", user=IDS.alice, duration="2d 12h", reason="spam, *again*"
    )
    assert said.ephemeral
    assert f"<@{IDS.alice}>" in said.text
    assert "<t:" in said.text
    refused = await alice.imagine("1girl")
    assert "blocked you" in refused.text
    assert "spam" in refused.text
    listed = await moderator.answer("moderate blocks")
    assert f"<@{IDS.alice}>" in listed.text
    assert "spam" in listed.text
    await moderator.answer("moderate unblock", user=IDS.alice)
    assert (await alice.draw(running, "1girl")).state == "finished"
    again = await moderator.answer("moderate unblock", user=IDS.alice)
    assert "no such block" in again.text
    assert "Nobody is blocked" in (await moderator.answer("moderate blocks")).text
    entries = await log(running)
    assert [e.kind for e in entries] == ["blocked", "refused", "unblocked", "accepted"]
    assert entries[0].actor_id == IDS.moderator
    assert entries[0].details["reason"] == "spam, *again*"


async def test_a_block_stops_what_waits_there_and_gives_it_back(
    place: Discord, moderator: Visitor, alice: Visitor, bob: Visitor
) -> None:
    engine = FakeEngine()
    engine.hold()
    async with open_bot(place, engine=engine) as running:
        for _ in range(2):
            await alice.imagine("1girl")
        await alice.answer("imagine", channel=IDS.dm_alice, prompt="1girl")
        await bob.imagine("1boy")
        await moderator.answer("moderate block", user=IDS.alice)
        states = {(j.user_id, j.guild_id): j.state for j in await running.jobs()}
        assert states[IDS.alice, IDS.guild] == "cancelled"
        assert states[IDS.alice, None] != "cancelled"  # not these moderators' place
        assert states[IDS.bob, IDS.guild] != "cancelled"
        assert await running.used() == 1
        engine.release()


@pytest.mark.parametrize("duration", ["soon", "0m", "-1d", "99999w", "1d and more"])
async def test_an_odd_duration_blocks_nobody(
    running: Running, moderator: Visitor, duration: str
) -> None:
    said = await moderator.answer("moderate block", user=IDS.alice, duration=duration)
    assert "not a valid duration" in said.text
    assert await log(running) == []


async def test_durations_are_suggested(running: Running, moderator: Visitor) -> None:
    choices = await moderator.member.autocomplete(
        "moderate block", {"user": IDS.alice, "duration": "2w"}, "duration", channel=IDS.general
    )
    assert choices[0]["value"] == "2w"
    assert len(choices) > 1


async def test_nobody_blocks_themselves(running: Running, moderator: Visitor) -> None:
    said = await moderator.answer("moderate block", user=IDS.moderator)
    assert "can't block yourself" in said.text


async def test_a_member_does_not_even_see_the_commands(running: Running, alice: Visitor) -> None:
    with pytest.raises(RefusedByClient):
        await alice.answer("moderate log")
    with pytest.raises(RefusedByClient):
        await alice.answer("moderate log", channel=IDS.dm_alice)


async def test_permissions_are_checked_in_code_again(
    place: Discord, running: Running, alice: Visitor, bob: Visitor
) -> None:
    """A server may show the commands to anybody; a channel may give its own permissions."""
    channel = place.world.channel(IDS.art)
    channel.overwrites.append({"id": str(IDS.alice), "type": 1, "allow": str(1 << 13), "deny": "0"})
    for command, options in (
        ("moderate log", {}),
        ("moderate blocks", {}),
        ("moderate block", {"user": IDS.bob}),
        ("moderate unblock", {"user": IDS.bob}),
        ("moderate reset", {"user": IDS.bob}),
        ("moderate grant", {"user": IDS.bob, "pictures": 3}),
        ("moderate delete", {"id": "abcdefghjkmn"}),
    ):
        said = await alice.answer(command, channel=IDS.art, **options)
        assert "Only moderators of this server" in said.text, command
        assert said.ephemeral
    assert await log(running) == []


async def test_a_moderator_who_loses_the_role_turns_no_page_more(
    place: Discord, running: Running, moderator: Visitor, alice: Visitor
) -> None:
    for _ in range(11):
        await alice.imagine("1girl, loli")
    page = await moderator.answer("moderate log")
    assert "Page 1" in page.text
    lose_role(place)
    refused = await whole(await moderator.member.press(page, "Older"))
    assert "Only moderators" in refused.text
    assert "Page 1" in moderator.member.message(page.id).text


async def test_the_log_is_paged_and_filtered_over_a_restart(
    place: Discord, moderator: Visitor, alice: Visitor, bob: Visitor
) -> None:
    async with open_bot(place) as running:
        for number in range(11):
            await alice.imagine(f"1girl, loli, number{number}")
        await bob.draw(running, "1boy, secret plan", private=True)
        page = await moderator.answer("moderate log")
        assert "secret plan" in page.text  # by rule, and the footer says so
        assert "moderators may see them" in page.text
        assert "a rule of every server: loli" in page.text
        assert labels(page) == {"Newer": False, "Older": True}
    async with open_bot(place):
        await moderator.member.press(page, "Older")
        page = moderator.member.message(page.id)
        assert "Page 2" in page.text
        assert "number0" in page.text
        assert labels(page) == {"Newer": True, "Older": False}
        (menu,) = page.selects
        await moderator.member.select(page, menu["custom_id"], ["accepted"])
        page = moderator.member.message(page.id)
        assert "secret plan" in page.text
        assert "loli" not in page.text
        filtered = await moderator.answer("moderate log", user=IDS.bob, kind="refused")
        assert "Nothing of that kind" in filtered.text


async def test_reset_and_grant_count_within_the_operators_bounds(
    place: Discord, moderator: Visitor, alice: Visitor, owner: Visitor
) -> None:
    async with open_bot(place, pictures_per_day=4) as running:
        async with running.services.database.transaction() as connection:
            await guild_limits.put(
                connection,
                guild_id=IDS.guild,
                role_id=IDS.guild,
                limits=LimitSet(pictures_per_day=1),
            )
        await alice.draw(running, "1girl")
        assert (
            "allow you 1 picture in 24 hours, and 0 are left" in (await alice.imagine("1girl")).text
        )
        assert "are reset" in (await moderator.answer("moderate reset", user=IDS.alice)).text
        await alice.draw(running, "1girl")
        assert "24 hours" in (await alice.imagine("1girl")).text
        said = await moderator.answer("moderate grant", user=IDS.alice, pictures=10)
        assert "10 pictures" in said.text
        assert "10 pictures" in (await alice.answer("limits")).text
        await alice.draw(running, "1girl")
        await alice.draw(running, "1girl")
        assert "4 pictures in 24 hours" in (await alice.imagine("1girl")).text  # the operator's
        assert "All limits" in (await owner.answer("owner reset", user=IDS.alice)).text
        await alice.draw(running, "1girl")
        kinds = [e.kind for e in await log(running)]
        assert kinds.count("limits_reset") == 2
        assert kinds.count("granted") == 1


async def test_what_a_failed_job_took_of_a_grant_comes_back(
    place: Discord, moderator: Visitor, alice: Visitor
) -> None:
    engine = FakeEngine()
    engine.hold()
    async with open_bot(place, engine=engine) as running:
        async with running.services.database.transaction() as connection:
            await guild_limits.put(
                connection, guild_id=IDS.guild, role_id=IDS.guild,
                limits=LimitSet(pictures_per_day=0),
            )  # fmt: skip
        await moderator.answer("moderate grant", user=IDS.alice, pictures=2)
        waiting = await alice.imagine("1girl", count=2)
        assert "can't make pictures" in (await alice.imagine("1girl")).text
        await alice.member.press(waiting, "ekaki:cancel")
        again = await alice.imagine("1girl", count=2)
        assert "can't make pictures" not in again.text
        engine.release()


async def test_a_channels_own_permissions_make_no_moderator(
    place: Discord, running: Running, alice: Visitor, bob: Visitor
) -> None:
    job = await bob.draw(running, "1boy")
    channel = place.world.channel(IDS.general)
    channel.overwrites.append({"id": str(IDS.alice), "type": 1, "allow": str(1 << 13), "deny": "0"})
    message = alice.member.message(job.message_id or 0)
    said = await whole(await alice.member.message_command("Delete picture", message))
    assert "Only the person who asked" in said.text
    assert "Delete" not in labels(await alice.more(message))

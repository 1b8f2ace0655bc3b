"""`/moderate` and `/owner` as moderators, members and the owner use them."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from bot.outbox.kinds import Kind
from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.errors import RefusedByClient
from data.guilds import audit, guild_limits, outbox
from data.guilds.audit import AuditEntry
from data.guilds.server_settings import LimitSet
from data.jobs.jobs import JobRecord
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, labels, open_house, whole
from tests.support.fake_engine import FakeEngine
from tests.support.member import InteractionView
from tests.support.patience import PATIENCE_S, until
from tests.support.views import MessageView


@pytest.fixture
async def running(place: Discord) -> AsyncGenerator[Running, None]:
    async with open_house(place) as running:
        yield running


@pytest.fixture
def owner(place: Discord) -> Visitor:
    """Whom the application belongs to."""
    return Visitor(place, IDS.owner)


async def log(running: Running) -> list[AuditEntry]:
    """Everything, the oldest first."""
    async with running.services.database.reader() as reader:
        return (await audit.page(reader, guild_id=None, offset=0, limit=100))[::-1]


async def nothing_to_tell(running: Running) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            async with running.services.database.reader() as reader:
                if not sum((await outbox.counts(reader)).values()):
                    return
            await asyncio.sleep(0.02)


def lose_role(place: Discord) -> None:
    place.loopback.changes.set_roles(IDS.guild, IDS.moderator, [])


def shown(sent: InteractionView) -> MessageView:
    assert sent.message is not None
    return sent.message


async def test_a_moderator_blocks_lists_and_unblocks(
    running: Running, moderator: Visitor, alice: Visitor
) -> None:
    said = await moderator.answer(
        "moderate block", user=IDS.alice, duration="2d 12h", reason="spam, *again*"
    )
    assert said.ephemeral
    assert f"<@{IDS.alice}>" in said.text
    assert "<t:" in said.text
    refused = await alice.wish("1girl")
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
    async with open_house(place, engine=engine) as running:
        for _ in range(2):
            await alice.wish("1girl")
        await alice.answer("imagine", channel=IDS.dm_alice, prompt="1girl")
        await bob.wish("1boy")
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
        await alice.wish("1girl, loli")
    page = await moderator.answer("moderate log")
    assert "Page 1" in page.text
    lose_role(place)
    refused = await whole(await moderator.member.press(page, "Older"))
    assert "Only moderators" in refused.text
    assert "Page 1" in moderator.member.message(page.id).text


async def test_the_log_is_paged_and_filtered_over_a_restart(
    place: Discord, moderator: Visitor, alice: Visitor, bob: Visitor
) -> None:
    async with open_house(place) as running:
        for number in range(11):
            await alice.wish(f"1girl, loli, number{number}")
        await bob.draw(running, "1boy, secret plan", private=True)
        page = await moderator.answer("moderate log")
        assert "secret plan" in page.text  # by rule, and the footer says so
        assert "moderators may see them" in page.text
        assert "a rule of every server: loli" in page.text
        assert labels(page) == {"Newer": False, "Older": True}
    async with open_house(place):
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


async def test_deleting_removes_rows_file_and_message(
    running: Running, moderator: Visitor, alice: Visitor
) -> None:
    called: list[str] = []

    async def gallery(_connection: object, job: JobRecord) -> None:
        called.append(job.id)

    running.services.results.on_delete.append(gallery)
    job = await alice.draw(running, "1girl, umbrella")
    _, (picture,) = await running.services.results.show(job.id)
    said = await moderator.answer("moderate delete", id=job.id, reason="off topic")
    assert "deleted" in said.text
    await nothing_to_tell(running)
    assert alice.member.visible_messages(IDS.general) == []
    assert called == [job.id]
    with pytest.raises(Exception, match="picture_missing"):
        await running.services.jobs.read_picture(picture)
    entry = (await log(running))[-1]
    assert (entry.kind, entry.actor_id, entry.user_id) == ("deleted", IDS.moderator, IDS.alice)
    assert entry.details["reason"] == "off topic"
    again = await moderator.answer("moderate delete", id=job.id)
    assert "can't find that request" in again.text


async def test_two_moderators_delete_at_once_and_it_is_deleted_once(
    place: Discord, running: Running, moderator: Visitor, alice: Visitor, owner: Visitor
) -> None:
    job = await alice.draw(running, "1girl")
    sent = await asyncio.gather(
        *(
            each.member.slash("moderate delete", {"id": job.id}, channel=IDS.general)
            for each in (moderator, owner)
        )
    )
    texts = sorted([(await whole(each)).text for each in sent])
    assert sum("are deleted" in each for each in texts) == 1, texts
    assert [e.kind for e in await log(running)].count("deleted") == 1


async def test_a_message_that_is_gone_already_is_no_trouble(
    place: Discord, running: Running, moderator: Visitor, alice: Visitor
) -> None:
    job = await alice.draw(running, "1girl")
    place.loopback.actions.delete(IDS.moderator, job.message_id or 0)
    assert "deleted" in (await moderator.answer("moderate delete", id=job.id)).text
    await nothing_to_tell(running)


async def test_messages_that_a_crash_left_go_at_the_next_start(
    place: Discord, moderator: Visitor, alice: Visitor
) -> None:
    async with open_house(place) as running:
        job = await alice.draw(running, "1girl")
        async with running.services.database.transaction() as connection:
            await outbox.put(
                connection,
                kind=Kind.MESSAGE_REMOVAL,
                key="one",
                lane="removal",
                payload={"channel_id": job.channel_id, "message_id": job.message_id or 0},
            )
    async with open_house(place) as running:
        await nothing_to_tell(running)
        assert alice.member.visible_messages(IDS.general) == []


async def test_moderators_delete_nothing_of_other_places(
    running: Running, moderator: Visitor, alice: Visitor
) -> None:
    await alice.answer("imagine", channel=IDS.dm_alice, prompt="1girl")
    job = await running.delivery("delivered")
    assert "can't find" in (await moderator.answer("moderate delete", id=job.id)).text
    own = await moderator.answer("imagine", channel=IDS.dm_moderator, prompt="1girl")
    assert own
    async with asyncio.timeout(PATIENCE_S):
        while not (mine := [j for j in await running.jobs() if j.delivery == "delivered"][1:]):
            await asyncio.sleep(0.02)
    assert "can't find" in (await moderator.answer("moderate delete", id=mine[0].id)).text
    assert len(await running.jobs()) == 2


async def test_reset_and_grant_count_within_the_operators_bounds(
    place: Discord, moderator: Visitor, alice: Visitor, owner: Visitor
) -> None:
    async with open_house(place, pictures_per_day=4) as running:
        async with running.services.database.transaction() as connection:
            await guild_limits.put(
                connection,
                guild_id=IDS.guild,
                role_id=IDS.guild,
                limits=LimitSet(pictures_per_day=1),
            )
        await alice.draw(running, "1girl")
        assert "allow you: 1; left: 0" in (await alice.wish("1girl")).text
        assert "are reset" in (await moderator.answer("moderate reset", user=IDS.alice)).text
        await alice.draw(running, "1girl")
        assert "24 hours" in (await alice.wish("1girl")).text
        said = await moderator.answer("moderate grant", user=IDS.alice, pictures=10)
        assert "10 pictures" in said.text
        assert "10 pictures" in (await alice.answer("limits")).text
        await alice.draw(running, "1girl")
        await alice.draw(running, "1girl")
        assert "4 pictures in 24 hours" in (await alice.wish("1girl")).text  # the operator's
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
    async with open_house(place, engine=engine) as running:
        async with running.services.database.transaction() as connection:
            await guild_limits.put(
                connection, guild_id=IDS.guild, role_id=IDS.guild,
                limits=LimitSet(pictures_per_day=0),
            )  # fmt: skip
        await moderator.answer("moderate grant", user=IDS.alice, pictures=2)
        waiting = await alice.wish("1girl", count=2)
        assert "can't make pictures" in (await alice.wish("1girl")).text
        await alice.member.press(waiting, "ekaki:cancel")
        again = await alice.wish("1girl", count=2)
        assert "can't make pictures" not in again.text
        engine.release()


async def test_the_owner_blocks_people_and_servers_everywhere(
    running: Running, alice: Visitor, bob: Visitor, owner: Visitor
) -> None:
    await owner.answer("owner block", user=IDS.alice, reason="abuse")
    for channel in (IDS.general, IDS.dm_alice):
        refused = await alice.answer("imagine", channel=channel, prompt="1girl")
        assert "operator of this bot has blocked you" in refused.text
    await owner.answer("owner unblock", user=IDS.alice)
    await owner.answer("owner block", server=str(IDS.guild))
    assert "has blocked it on this server" in (await bob.wish("1boy")).text
    assert str(IDS.guild) in (await owner.answer("owner blocks")).text
    await owner.answer("owner unblock", server=str(IDS.guild))
    assert (await bob.draw(running, "1boy")).state == "finished"
    both: dict[str, Any] = {"user": IDS.bob, "server": "1"}
    for options in ({}, both):
        assert "either" in (await owner.answer("owner block", **options)).text
    for odd in ("Atelier", "0", "9223372036854775808", "9" * 5000, "١٢٣"):
        assert "not a server ID" in (await owner.answer("owner block", server=odd)).text


async def test_only_the_owner_has_the_owners_commands(
    place: Discord, moderator: Visitor, alice: Visitor
) -> None:
    async with open_house(place, owner_ids=frozenset({IDS.bob})) as running:
        with pytest.raises(RefusedByClient):
            await moderator.answer("owner blocks")
        said = await alice.answer("owner maintenance", channel=IDS.dm_alice, state="on")
        assert "Only the person who runs this bot" in said.text
        bob = Visitor(place, IDS.bob)  # named by OWNER_IDS
        said = await bob.answer("owner maintenance", channel=IDS.dm_bob, state="on", reason="x")
        assert "Maintenance is on" in said.text
        assert (await log(running))[-1].details == {"on": True, "reason": "x"}


async def test_maintenance_holds_over_a_restart_and_lets_what_was_accepted_go_on(
    place: Discord, alice: Visitor, owner: Visitor
) -> None:
    engine = FakeEngine()
    engine.hold()
    async with open_house(place, engine=engine) as running:
        await alice.wish("1girl")
        await owner.answer("owner maintenance", state="on", reason="a new model")
        assert "a new model" in (await alice.wish("1girl")).text
    async with open_house(place) as running:
        await running.delivery("delivered")
        assert "a new model" in (await alice.wish("1girl")).text
        await owner.answer("owner maintenance", state="off")
        assert "a new model" not in (await alice.wish("1girl")).text


async def test_an_announcement_reaches_everybody_who_waits_once(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor, owner: Visitor
) -> None:
    engine = FakeEngine()
    engine.hold()
    async with open_house(place, engine=engine) as running:
        for _ in range(2):
            await alice.wish("1girl")
        await bob.wish("1boy", private=True)
        said = await owner.answer("owner announce", words="I restart in 5 minutes @everyone")
        assert "get the message: 2" in said.text
        await nothing_to_tell(running)
        public = [m for m in alice.member.visible_messages(IDS.general) if "restart" in m.text]
        assert len(public) == 1
        assert public[0].mention_ids == [IDS.alice]
        private = [m for m in bob.member.visible_messages(IDS.general) if "restart" in m.text]
        assert [m.ephemeral for m in private] == [False, True]
        assert not any(m.ephemeral for m in public)
        assert (await log(running))[-1].details["people"] == 2
        engine.release()


async def test_the_owner_reads_what_they_did_over_all_servers(
    place: Discord, running: Running, moderator: Visitor, owner: Visitor
) -> None:
    await moderator.answer("moderate block", user=IDS.bob, reason="of this server")
    await owner.answer("owner block", user=IDS.alice, reason="abuse")
    await owner.answer("owner maintenance", state="on", reason="new memory")
    shown = await owner.answer("owner log")
    assert shown.ephemeral
    for words in ("abuse", "new memory"):
        assert words in shown.text
    assert "of this server" not in shown.text
    menu = "ekaki:ownerlog:m:0:all:0"
    await owner.member.select(shown, menu, ["maintenance"])
    await until(lambda: "abuse" not in owner.member.message(shown.id).text)
    assert "new memory" in owner.member.message(shown.id).text


async def test_a_channels_own_permissions_make_no_moderator(
    place: Discord, running: Running, alice: Visitor, bob: Visitor
) -> None:
    job = await bob.draw(running, "1boy")
    channel = place.world.channel(IDS.general)
    channel.overwrites.append({"id": str(IDS.alice), "type": 1, "allow": str(1 << 13), "deny": "0"})
    message = alice.member.message(job.message_id or 0)
    said = await whole(await alice.member.message_command("Delete picture", message))
    assert "Only the person who asked" in said.text
    said = await whole(await alice.member.press(message, "Delete"))
    assert "Only the person who asked" in said.text

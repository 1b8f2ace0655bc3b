"""Two servers on two shards: each shard connects, resumes and fails on its own."""

import asyncio

import pytest
from discord.backoff import ExponentialBackoff

from bot.cli.login import login_errors
from bot.client import shard, turns
from bot.config.reading import SettingsError
from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.sharding import Sharding
from bot.watch.gauges import gauges_of
from bot.watch.health import Health
from bot.watch.state import read_state
from bot.web.access import DiscordMemberships
from tests.cogs.gallery.helpers import dispatcher, events
from tests.cogs.running import Discord, Running, running_bot
from tests.cogs.two_shards import (
    GENERAL,
    GUILD,
    HERE,
    THERE,
    ask,
    drawn,
    has_picture,
    is_connected,
    jobs_in,
    posts,
    sessions,
    sharded_bot,
    shared,
    states,
    told,
)
from tests.cogs.visitors import Visitor, open_bot
from tests.support.fake_engine import FakeEngine
from tests.support.gateway import ask_reconnect, forget, resumes
from tests.support.patience import until
from tests.support.second_server import OTHER, OTHER_GALLERY, add_other

STAR = "⭐"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short pauses. Those before identifying are much longer than the loopback demands, because a
    busy machine takes its time between sending and receiving."""
    monkeypatch.setattr(turns, "EVERY_S", 0.6)
    monkeypatch.setattr(shard, "AGAIN_S", (0.0, 0.01))
    monkeypatch.setattr(ExponentialBackoff, "delay", _soon)


def _soon(_: object) -> float:
    return 0.02


def _late(_: object) -> float:
    return 3600.0


@pytest.fixture
def sharding() -> Sharding:
    return Sharding(shards=2, identify_every_s=0.05)


@pytest.fixture
def place(place: Discord) -> Discord:
    add_other(place.world)
    return place


async def test_members_of_both_servers_draw_star_and_write_directly(
    place: Discord, sharding: Sharding, alice: Visitor, bob: Visitor
) -> None:
    async with sharded_bot(place) as running:
        assert (sharding.identified, sharding.too_soon) == ([HERE, THERE], [])
        for shard_id in (HERE, THERE):
            assert running.bot.shard_of(GUILD[shard_id]) == shard_id
            message = await drawn(alice, shard_id)
            await bob.member.react(message, STAR)
            await until(lambda shard_id=shard_id: posts(bob, shard_id) == 1)
            assert await states(running, shard_id) == [("posted", 1)]
        direct = await alice.answer("imagine", IDS.dm_alice, prompt="1girl", steps=2)
        await has_picture(alice, direct)
    gateway = place.loopback.gateway
    assert told(gateway, HERE, "INTERACTION_CREATE") == 2  # with the direct message
    assert told(gateway, THERE, "INTERACTION_CREATE") == 1
    assert [told(gateway, each, "MESSAGE_REACTION_ADD") for each in (HERE, THERE)] == [1, 1]


async def test_a_shard_that_breaks_off_while_drawing_loses_nothing_and_disturbs_nobody(
    place: Discord, sharding: Sharding, alice: Visitor, bob: Visitor
) -> None:
    engine, gateway = FakeEngine(), place.loopback.gateway
    async with sharded_bot(place, engine=engine) as running:
        earlier = await drawn(alice, THERE)
        engine.hold()
        message = await ask(alice, THERE)
        await _take_down(place, running, THERE)
        engine.release()
        await has_picture(alice, message)  # over the API, which works
        asked = await alice.member.slash(
            "imagine", {"prompt": "1boy", "steps": 2}, channel=GENERAL[THERE], wait=False
        )
        await bob.member.react(earlier, STAR)
        mine = await drawn(bob, HERE)
        await alice.member.react(mine, STAR)
        await until(lambda: posts(bob, HERE) == 1)
        assert await states(running, THERE) == []  # nothing of it has come yet
        assert asked.state != "acknowledged"

        sharding.down.clear()
        assert await asked.answered() == "acknowledged"
        await until(lambda: posts(bob, THERE) == 1)
        await until(lambda: _all_delivered(running))
        assert await states(running, THERE) == [("posted", 1)]
        assert [len(await jobs_in(running, each)) for each in (HERE, THERE)] == [1, 3]
        pictures = [m for m in bob.member.visible_messages(GENERAL[THERE]) if m.attachments]
        assert len(pictures) == 3
        assert sharding.identified == [HERE, THERE], "it identified anew, which loses events"
        assert [len(sessions(gateway, each)) for each in (HERE, THERE)] == [1, 1]
        assert [told(gateway, each, "RESUMED") for each in (HERE, THERE)] == [0, 1]


async def _all_delivered(running: Running) -> bool:
    return all(job.delivery == "delivered" for job in await running.jobs())


async def test_a_shard_that_can_not_connect_does_not_keep_another_from_it(
    place: Discord, sharding: Sharding, bob: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = place.loopback.gateway
    monkeypatch.setattr(ExponentialBackoff, "delay", _late)
    async with sharded_bot(place) as running:
        await _take_down(place, running, THERE)
        await ask_reconnect(gateway)  # it reaches the only one that is connected
        await until(lambda: told(gateway, HERE, "RESUMED") == 1)
        await drawn(bob, HERE)
        assert not is_connected(running.bot, THERE)
    assert sharding.identified == [HERE, THERE]


async def test_a_shard_that_identifies_anew_knows_its_servers_only_when_they_come(
    place: Discord, sharding: Sharding, alice: Visitor, bob: Visitor, moderator: Visitor
) -> None:
    gateway = place.loopback.gateway
    async with sharded_bot(place) as running:
        message, other = await drawn(alice, THERE), await drawn(alice, THERE)
        assert "gallery" in await shared(alice, message)
        await until(lambda: posts(bob, THERE) == 1)
        gateway.away.add(OTHER)
        await forget(gateway, THERE)
        await until(lambda: running.bot.shard_views()[THERE].unknown == 1)
        assert running.bot.shard_views()[HERE].unknown == 0
        await running.services.gallery.ask_check(OTHER)
        await until(lambda: f"gallery:{OTHER}" in dispatcher(running).resting)
        assert "try again" in await shared(alice, other)
        await moderator.member.react(message, STAR)  # nobody is told of it
        member = await DiscordMemberships(running.bot).membership(
            user_id=IDS.alice, guild_id=OTHER, channel_ids=[OTHER_GALLERY]
        )
        assert member is not None
        assert member.sees(OTHER_GALLERY), "the web page knows what Discord's API says"

        mine = await drawn(bob, HERE)
        assert "gallery" in await shared(bob, mine)
        await until(lambda: posts(bob, HERE) == 1)
        assert posts(bob, THERE) == 1
        assert await states(running, THERE) == [("posted", 0)]

        place.loopback.changes.recover(OTHER)
        await until(lambda: _is(running, THERE, ("posted", 1)))
        assert running.bot.shard_views()[THERE].unknown == 0
        assert posts(bob, THERE) == 1
        assert resumes(gateway) == 0
    assert sharding.identified == [HERE, THERE, THERE]
    assert sharding.too_soon == []


async def _is(running: Running, shard_id: int, wanted: tuple[str, int]) -> bool:
    return await states(running, shard_id) == [wanted]


async def test_a_server_that_the_bot_left_meanwhile_is_forgotten_with_the_session(
    place: Discord,
) -> None:
    gateway = place.loopback.gateway
    async with sharded_bot(place) as running:
        del place.world.guilds[OTHER]
        await forget(gateway, THERE)
        await until(lambda: sessions(gateway, THERE))
        await running.heard()
        assert running.bot.get_guild(OTHER) is None
        assert running.bot.get_guild(IDS.guild) is not None


async def test_a_shard_that_is_down_at_the_start_delays_only_its_own_servers(
    place: Discord, sharding: Sharding, alice: Visitor, bob: Visitor
) -> None:
    async with sharded_bot(place) as running:
        waiting = {each: await drawn(alice, each) for each in (HERE, THERE)}
        await until(lambda: _all_delivered(running))
        async with running.services.database.transaction() as connection:
            await connection.execute("UPDATE jobs SET delivery = 'pending'")
    for message in waiting.values():  # as if the bot was killed before it sent them
        place.world.messages[message.id].attachments = []
    sharding.down.add(THERE)
    async with sharded_bot(place, enough=is_connected) as running:
        await has_picture(alice, waiting[HERE])
        mine = await drawn(bob, HERE)
        await alice.member.react(mine, STAR)
        await until(lambda: posts(bob, HERE) == 1)
        assert not alice.member.message(waiting[THERE].id).attachments
        assert not running.bot.is_ready()
        missing = (await Health(running.bot).readiness()).missing
        assert missing["gateway"] == "1 of 2 shards connected"
        sharding.down.clear()
        await has_picture(alice, waiting[THERE])
        await until(running.bot.is_ready)


async def test_the_operator_sees_each_shard(
    place: Discord, sharding: Sharding, alice: Visitor
) -> None:
    owner = Visitor(place, IDS.owner)
    async with sharded_bot(place) as running:
        await until(lambda: all(view.latency_s for view in running.bot.shard_views()))
        said = (await owner.answer("owner status")).text
        assert "2 servers\nShard 0: connected · 1 server · " in said
        assert "\nShard 1: connected · 1 server · " in said
        await _take_down(place, running, THERE)
        said = (await owner.answer("owner status")).text
        assert "Shard 0: connected · 1 server · " in said
        assert "\nShard 1: not connected · 1 server" in said
        refused = await alice.answer("owner status", channel=IDS.dm_alice)
        assert "Only the person who runs this bot" in refused.text


async def test_a_shard_that_is_down_is_measured_and_the_bot_is_ready_for_the_others(
    place: Discord, sharding: Sharding
) -> None:
    async with sharded_bot(place) as running:
        health = Health(running.bot)
        await _take_down(place, running, THERE)
        assert "gateway" not in (await health.readiness()).missing
        found = {each.name: each for each in gauges_of(await read_state(running.bot, health))}
        shards = {s.labels["state"]: s.value for s in found["ekaki_discord_shards"].samples}
        assert shards == {"connected": 1.0, "disconnected": 1.0}
        await _take_down(place, running, HERE)
        assert (await health.readiness()).missing["gateway"] == "not connected"
        sharding.down.clear()
        await until(lambda: all(view.connected for view in running.bot.shard_views()))
        assert "gateway" not in (await health.readiness()).missing


async def _take_down(place: Discord, running: Running, shard_id: int) -> None:
    gateway = place.loopback.gateway
    gateway.sharding.down.add(shard_id)
    await gateway.drop(shard_id=shard_id)
    await until(lambda: not is_connected(running.bot, shard_id))


async def test_a_bot_can_close_while_a_shard_tries_to_connect(
    place: Discord, sharding: Sharding
) -> None:
    sharding.down.add(THERE)
    async with open_bot(place, enough=is_connected) as running:
        bot = running.bot
    assert bot.is_closed()
    names = {task.get_name() for task in asyncio.all_tasks()}
    assert not any(name.startswith("shard ") for name in names)


@pytest.mark.parametrize("sharding", [Sharding(shards=3, max_concurrency=2, identify_every_s=0.05)])
async def test_shards_of_different_keys_identify_at_once_others_wait(
    place: Discord, sharding: Sharding
) -> None:
    async with open_bot(place) as running:
        assert {*sharding.identified[:2]} == {0, 1}
        assert sharding.identified[2:] == [2]
        assert sharding.too_soon == []
        assert [view.id for view in running.bot.shard_views()] == [0, 1, 2]


async def test_shards_that_identify_too_soon_are_told_so_and_wait(
    place: Discord, sharding: Sharding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "EVERY_S", 0.0)
    sharding.identify_every_s = 1.0  # longer than a busy machine takes between two
    async with open_bot(place):
        assert sharding.too_soon
        assert {*sharding.identified} == {HERE, THERE}


@pytest.mark.parametrize("sharding", [Sharding(shards=1, most_guilds=1)])
async def test_too_many_servers_for_the_shards_end_the_bot(place: Discord) -> None:
    with pytest.raises(SettingsError) as caught, login_errors():
        async with running_bot(place):
            raise AssertionError("Discord does not let it in")
    assert caught.value.key == "shards_rejected"
    assert caught.value.data == {"code": 4011}


async def test_a_new_session_reads_again_what_happened_in_its_servers_only(
    place: Discord, alice: Visitor
) -> None:
    gateway = place.loopback.gateway
    async with sharded_bot(place) as running:
        there, here = await drawn(alice, THERE), await drawn(alice, HERE)
        await running.heard()
        await events(running).settled()
        place.loopback.log.entries.clear()
        await forget(gateway, THERE)
        await until(lambda: _was_read(place, there.id))
        await running.heard()
        await events(running).settled()
        assert not _was_read(place, here.id)


def _was_read(place: Discord, message_id: int) -> bool:
    """Since the log was cleared."""
    return bool(place.loopback.log.find("GET", f"/messages/{message_id}$"))

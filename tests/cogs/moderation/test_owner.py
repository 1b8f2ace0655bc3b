"""`/owner` as the owner of the application uses it, and nobody else."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from bot.client.sharded import ShardView
from bot.hosts.entries import HostView
from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.errors import RefusedByClient
from cogs.moderation.hosts_page import hosts_embed
from cogs.moderation.status_page import SHOWN, status_embed
from tests.cogs.moderation.helpers import log, nothing_to_tell
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, open_bot
from tests.support.fake_engine import FakeEngine
from tests.support.patience import until


async def test_the_owner_blocks_people_and_servers_everywhere(
    running: Running, alice: Visitor, bob: Visitor, owner: Visitor
) -> None:
    await owner.answer("owner block", user=IDS.alice, reason="abuse")
    for channel in (IDS.general, IDS.dm_alice):
        refused = await alice.answer("imagine", channel=channel, prompt="1girl")
        assert "operator of this bot has blocked you" in refused.text
    await owner.answer("owner unblock", user=IDS.alice)
    await owner.answer("owner block", server=str(IDS.guild))
    assert "has blocked it on this server" in (await bob.imagine("1boy")).text
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
    async with open_bot(place, owner_ids=frozenset({IDS.bob})) as running:
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
    async with open_bot(place, engine=engine) as running:
        await alice.imagine("1girl")
        await owner.answer("owner maintenance", state="on", reason="a new model")
        assert "a new model" in (await alice.imagine("1girl")).text
    async with open_bot(place) as running:
        await running.delivery("delivered")
        assert "a new model" in (await alice.imagine("1girl")).text
        await owner.answer("owner maintenance", state="off")
        assert "a new model" not in (await alice.imagine("1girl")).text


async def test_an_announcement_reaches_everybody_who_waits_once(
    place: Discord, alice: Visitor, bob: Visitor, moderator: Visitor, owner: Visitor
) -> None:
    engine = FakeEngine()
    engine.hold()
    async with open_bot(place, engine=engine) as running:
        for _ in range(2):
            await alice.imagine("1girl")
        await bob.imagine("1boy", private=True)
        said = await owner.answer("owner announce", words="I restart in 5 minutes @everyone")
        assert "get the message: 2" in said.text
        await nothing_to_tell(running)
        public = [m for m in alice.member.visible_messages(IDS.general) if "restart" in m.text]
        assert len(public) == 1
        assert public[0].mention_ids == [IDS.alice]
        private = [m for m in bob.member.visible_messages(IDS.general) if "restart" in m.text]
        assert sorted(m.ephemeral for m in private) == [False, True]  # two lanes, in any order
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


async def test_a_bot_of_one_machine_says_so(
    running: Running,
    owner: Visitor,
    alice: Visitor,
) -> None:
    assert "HOSTS is local" in (await owner.answer("owner hosts")).text
    said = await owner.answer("owner host drain", name="attic")
    assert "No machine is called attic" in said.text
    with pytest.raises(RefusedByClient):
        await alice.answer("owner hosts")


def test_machines_are_shown_with_what_an_operator_needs() -> None:
    embed = hosts_embed(
        [
            HostView(
                name="attic/0", host="attic", state="ready", model="Fake fp32 (fa4e000000)",
                version="0.2.0", pictures=3, picture_s=90.0, lost_at=1_800_000_000.0,
            ),
            HostView(name="cellar/0", host="cellar", state="refused", problem="*it* has @everyone"),
        ],
        problem="The head of the Ray cluster does not respond.",
    )  # fmt: skip
    assert embed.description == "The head of the Ray cluster does not respond."
    ready, refused = embed.fields
    assert ready.name == "attic/0: ready"
    assert "3 pictures" in str(ready.value)
    assert "<t:1800000000:R>" in str(ready.value)
    assert refused.name == "cellar/0: not used"
    assert "@everyone" not in str(refused.value)


@pytest.mark.parametrize("count", [0, 25, 60])
def test_any_number_of_machines_fits(count: int) -> None:
    views = [
        HostView(name=f"h{n}/0", host=f"h{n}", state="ready", problem="x" * 2000)
        for n in range(count)
    ]
    embed = hosts_embed(views)
    assert len(embed) <= 6000
    assert len(embed.fields) <= 25


async def test_one_shard_is_shown_in_one_line(running: Running, owner: Visitor) -> None:
    await until(lambda: running.bot.shard_views()[0].latency_s)
    said = (await owner.answer("owner status")).text
    assert re.search(r"\nShard 0: connected · 1 server · \d+ ms\nDrawing\n", said), said
    assert re.search(r"\nEngines: ready 1\nBackup\nNone is made", said), said


async def test_how_the_last_backup_went_is_shown(place: Discord, tmp_path: Path) -> None:
    owner = Visitor(place, IDS.owner)
    async with open_bot(place, backup_dir=str(tmp_path / "backups")) as running:
        backups = running.services.backups
        assert "None yet." in (await owner.answer("owner status")).text
        assert await backups.make(tmp_path / "backups")
        assert "The last one was made" in (await owner.answer("owner status")).text
        shutil.rmtree(tmp_path / "backups")
        assert not await backups.make(tmp_path / "backups")
        said = (await owner.answer("owner status")).text
        assert "The last one was made" in said
        assert "An attempt failed" in said
        assert "disk is mounted" in said


def test_of_many_shards_those_with_trouble_come_first() -> None:
    def view(number: int, *, connected: bool = True, unknown: int = 0) -> ShardView:
        return ShardView(
            id=number, connected=connected, latency_s=0.045, servers=1000, unknown=unknown
        )

    troubled = {70: view(70, connected=False), 80: view(80, unknown=3)}
    embed = status_embed([troubled.get(number, view(number)) for number in range(100)])
    lines = (embed.description or "").splitlines()
    assert lines[:4] == [
        "100000 servers",
        "Shard 70: not connected · 1000 servers · 45 ms",
        "Shard 80: connected · 1000 servers · 3 not known now · 45 ms",
        "Shard 0: connected · 1000 servers · 45 ms",
    ]
    assert lines[-1] == f"and {100 - SHOWN} more shards"
    assert len(embed.description or "") <= 4096

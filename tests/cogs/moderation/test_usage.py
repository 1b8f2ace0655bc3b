"""`/moderate usage`: pictures by day and member, for moderators only."""

import json
from collections.abc import AsyncGenerator

import pytest

from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.errors import RefusedByClient
from data.jobs import usage
from data.jobs.usage import DAY_S, DayUse, MemberUse
from data.store.database import Database
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, open_bot

INSERT = (
    "INSERT INTO jobs (id, user_id, guild_id, channel_id, private, rating, request, pictures,"
    " locale, state, delivery, application_id, token_expires_at, accepted_at, ended_at)"
    " VALUES (?, ?, ?, 1, ?, 0, ?, ?, 'en', ?, 'delivered', 1, 0, ?, ?)"
)


@pytest.fixture
async def running(place: Discord) -> AsyncGenerator[Running, None]:
    async with open_bot(place) as running:
        yield running


async def enter(
    database: Database, *jobs: tuple[int, int, int, float], guild_id: int = IDS.guild,
    state: str = "finished",
) -> None:  # fmt: skip
    """Store jobs: (user, private, pictures, accepted at)."""
    async with database.transaction() as connection:
        await connection.executemany(
            INSERT,
            [
                (f"{guild_id}-{state}-{number}", user, guild_id, private, json.dumps({}), pictures,
                 state, at, None if state == "queued" else at)
                for number, (user, private, pictures, at) in enumerate(jobs)
            ],
        )  # fmt: skip


async def test_moderators_see_days_and_members(
    place: Discord, running: Running, moderator: Visitor
) -> None:
    place.advance((1.5 * DAY_S - place.clock.time() % DAY_S) % DAY_S)  # noon: no day ends meanwhile
    today = place.clock.time() // DAY_S * DAY_S
    database = running.services.database
    await enter(
        database,
        (IDS.alice, 0, 4, today), (IDS.alice, 1, 3, today), (IDS.bob, 0, 1, today - 1),
        (IDS.bob, 0, 1, today - 13 * DAY_S), (IDS.bob, 0, 4, today - 13 * DAY_S - 1),
    )  # fmt: skip
    await enter(database, (IDS.alice, 0, 4, today), guild_id=77)
    await enter(database, (IDS.alice, 0, 4, today), state="cancelled")
    shown = await moderator.answer("moderate usage")
    assert shown.ephemeral
    assert shown.mention_ids == []
    title, *days = shown.text.splitlines()[:15]
    assert title == "Pictures of the last 14 days"
    noon = int(today + DAY_S / 2)
    assert days[0] == f"<t:{noon}:d> {'▇' * 10} **7** (3 private)"
    assert days[1] == f"<t:{noon - int(DAY_S)}:d> ▇▇ **1**"
    assert days[2].endswith("**0**")
    assert len([day for day in days if "▇" in day]) == 3
    assert f"1. <@{IDS.alice}>: 7 pictures\n2. <@{IDS.bob}>: 2 pictures" in shown.text
    assert "9 pictures in all" in shown.text


async def test_a_server_without_pictures_has_usage_too(
    running: Running, moderator: Visitor, alice: Visitor
) -> None:
    assert "nobody yet" in (await moderator.answer("moderate usage")).text
    with pytest.raises(RefusedByClient):
        await alice.answer("moderate usage")


async def test_it_reads_the_index_alone(running: Running) -> None:
    async with running.services.database.reader() as connection:
        for query in (usage.PER_DAY, usage.MEMBERS):
            plan = await connection.every(
                f"EXPLAIN QUERY PLAN {query}", (1, 0.0, 10)[: query.count("?")]
            )
            assert "COVERING INDEX jobs_finished_in_guild" in plan[0]["detail"]


async def test_members_come_by_number_then_id(running: Running) -> None:
    database = running.services.database
    await enter(database, (3, 0, 2, 5.0), (2, 0, 2, 5.0), (1, 1, 1, 5.0))
    async with database.reader() as connection:
        most = await usage.members(connection, guild_id=IDS.guild, since=0, limit=2)
        days = await usage.per_day(connection, guild_id=IDS.guild, since=0)
    assert most == [MemberUse(user_id=2, pictures=2), MemberUse(user_id=3, pictures=2)]
    assert days == [DayUse(day=0, pictures=5, private=1)]

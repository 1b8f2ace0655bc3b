"""200 requests at once over the wire and real SQLite: never a picture too many, none too early."""

import asyncio
import random
from dataclasses import dataclass
from typing import Any

import pytest

from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.world import Interaction
from data.guilds import guild_limits
from data.guilds.server_settings import LimitSet
from data.jobs import quota_grants
from tests.cogs.running import Discord, Person, Running, running_bot, words
from tests.support.fake_engine import FakeEngine
from tests.support.patience import PATIENCE_S

AT_ONCE = 200
UNLIMITED: dict[str, Any] = {
    "pictures_per_hour": 0,
    "pictures_per_day": 0,
    "waiting_jobs_per_user": 0,
    "waiting_jobs_total": 0,
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one request for `count` pictures."""

    count: int
    refused: bool
    said: str


async def ask_at_once(place: Discord, person: Person, counts: list[int]) -> list[Outcome]:
    """Send all requests before any is answered; wait for all answers."""
    sent = [person.imagine(prompt="1girl", count=count) for count in counts]
    return [await outcome(place, *pair) for pair in zip(sent, counts, strict=True)]


async def outcome(place: Discord, sent: Interaction, count: int) -> Outcome:
    """Its first words; after a defer a refusal deletes the placeholder and follows up."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            ids = [i for i in (sent.response_message_id, *sent.followup_ids) if i]
            shown = [place.world.messages[i] for i in ids]
            told = [m for m in shown if m.deleted_at is None and words(m)]
            if told:
                break
            await asyncio.sleep(0.01)
    said = words(told[-1])
    return Outcome(count=count, refused=told[-1].ephemeral_for is not None, said=said)


def taken(outcomes: list[Outcome]) -> int:
    return sum(each.count for each in outcomes if not each.refused)


def check(outcomes: list[Outcome], *, limit: int) -> None:
    """Not one too many; and as uses only grow, who was refused must not fit in the end either."""
    made = taken(outcomes)
    assert made <= limit
    for each in outcomes:
        assert not each.refused or made + each.count > limit, each


async def set_here(running: Running, role_id: int = IDS.guild, **limits: int) -> None:
    async with running.services.database.transaction() as connection:
        await guild_limits.put(
            connection, guild_id=IDS.guild, role_id=role_id, limits=LimitSet(**limits)
        )


async def open_jobs(running: Running) -> int:
    return sum(job.ended_at is None for job in await running.jobs())


@pytest.fixture
def held() -> FakeEngine:
    """An engine that draws nothing until it is let go."""
    engine = FakeEngine()
    engine.hold()
    return engine


async def test_the_operators_limit_by_the_hour(place: Discord, held: FakeEngine) -> None:
    settings: dict[str, Any] = UNLIMITED | {"pictures_per_hour": 37}
    async with running_bot(place, engine=held, **settings) as running:
        outcomes = await ask_at_once(place, place.alice, [1] * AT_ONCE)
        assert taken(outcomes) == 37
        assert await running.used() == 37
        assert len(await running.jobs()) == 37
        check(outcomes, limit=37)
        assert all("37 pictures in an hour" in each.said for each in outcomes if each.refused)


@pytest.mark.parametrize("seed", [1, 2])
async def test_requests_of_many_sizes_against_a_servers_limit(
    place: Discord, held: FakeEngine, seed: int
) -> None:
    counts = random.Random(seed).choices([1, 2, 3, 4], k=AT_ONCE)
    async with running_bot(place, engine=held, **UNLIMITED) as running:
        await set_here(running, pictures_per_day=50)
        outcomes = await ask_at_once(place, place.alice, counts)
        check(outcomes, limit=50)
        assert await running.used() == taken(outcomes)


async def test_two_people_and_a_role_at_the_same_time(place: Discord, held: FakeEngine) -> None:
    async with running_bot(place, engine=held, **UNLIMITED) as running:
        role = place.loopback.changes.add_role(IDS.guild, "Artists")
        place.loopback.changes.set_roles(IDS.guild, IDS.alice, [role.id])
        await set_here(running, pictures_per_hour=11)
        await set_here(running, role.id, pictures_per_hour=29)
        half = [1] * (AT_ONCE // 2)
        alices, bobs = await asyncio.gather(
            ask_at_once(place, place.alice, half), ask_at_once(place, place.bob, half)
        )
        assert (taken(alices), taken(bobs)) == (29, 11)


async def test_waiting_jobs(place: Discord, held: FakeEngine) -> None:
    async with running_bot(place, engine=held, **UNLIMITED) as running:
        await set_here(running, waiting_jobs=5)
        outcomes = await ask_at_once(place, place.alice, [1] * AT_ONCE)
        assert taken(outcomes) == 5
        assert await open_jobs(running) == 5
        assert all("5 requests waiting" in each.said for each in outcomes if each.refused)


async def test_a_grant_is_spent_once(place: Discord, held: FakeEngine) -> None:
    async with running_bot(place, engine=held, **UNLIMITED) as running:
        await set_here(running, pictures_per_hour=10)
        async with running.services.database.transaction() as connection:
            await quota_grants.add(
                connection, guild_id=IDS.guild, user_id=IDS.alice, hundredths=700
            )
        outcomes = await ask_at_once(place, place.alice, [1] * AT_ONCE)
        assert taken(outcomes) == 17
        async with running.services.database.reader() as reader:
            left = await quota_grants.left(reader, guild_id=IDS.guild, user_id=IDS.alice)
        assert left == 0


async def test_what_is_given_back_can_be_taken_again(place: Discord, held: FakeEngine) -> None:
    settings: dict[str, Any] = UNLIMITED | {"pictures_per_hour": 20}
    async with running_bot(place, engine=held, **settings) as running:
        await ask_at_once(place, place.alice, [1] * 20)
        cancelled = (await running.jobs())[5:12]
        await asyncio.gather(
            *(running.services.jobs.cancel(job_id=j.id, user_id=IDS.alice) for j in cancelled)
        )
        outcomes = await ask_at_once(place, place.alice, [1] * (AT_ONCE - 20))
        assert taken(outcomes) == len(cancelled)
        assert await running.used() == 20

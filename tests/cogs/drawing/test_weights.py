"""Whose pictures take more turns: the weight that a job is stored with, by its owner's roles."""

from typing import Any

from bot.playground.simulator.default_world import IDS
from tests.cogs.running import Discord, Person, running_bot


async def weight(place: Discord, person: Person, *, channel_id: int, **settings: Any) -> int:
    async with running_bot(place, **settings) as running:
        await place.answer(person.imagine(prompt="1girl", channel_id=channel_id))
        job = await running.delivery("delivered")
    return job.weight


async def test_everybody_else_has_one_turn(place: Discord) -> None:
    assert await weight(place, place.alice, channel_id=IDS.general) == 1


async def test_a_booster_has_the_turns_that_were_set(place: Discord) -> None:
    place.world.guilds[IDS.guild].members[IDS.alice].boosting_since = place.world.time()
    assert await weight(place, place.alice, channel_id=IDS.general, booster_weight=3) == 3


async def test_a_moderator_who_boosts_has_the_larger_weight_not_the_sum(place: Discord) -> None:
    place.world.guilds[IDS.guild].members[IDS.moderator].boosting_since = place.world.time()
    moderator = Person(place, IDS.moderator)
    found = await weight(
        place, moderator, channel_id=IDS.general, booster_weight=3, moderator_weight=5
    )
    assert found == 5


async def test_in_direct_messages_nobody_has_a_role(place: Discord) -> None:
    moderator = Person(place, IDS.moderator)
    assert await weight(place, moderator, channel_id=IDS.dm_moderator, moderator_weight=5) == 1

"""A bot with people, and whom its application belongs to."""

from collections.abc import AsyncGenerator

import pytest

from bot.playground.simulator.default_world import IDS
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, open_bot


@pytest.fixture
async def running(place: Discord) -> AsyncGenerator[Running, None]:
    async with open_bot(place) as running:
        yield running


@pytest.fixture
def owner(place: Discord) -> Visitor:
    """Whom the application belongs to."""
    return Visitor(place, IDS.owner)

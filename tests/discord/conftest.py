"""The bot over a loopback Discord, as fixtures."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bot.loopback.server import Loopback
from tests.discord.house import Discord, Running, running_bot


@pytest.fixture
async def place(tmp_path: Path) -> AsyncGenerator[Discord, None]:
    """A loopback Discord with its default world, without a bot yet."""
    async with Loopback() as loopback:
        yield Discord(loopback, tmp_path / "state")


@pytest.fixture
async def running(place: Discord) -> AsyncGenerator[Running, None]:
    """A bot in it, ready."""
    async with running_bot(place) as running:
        yield running

"""A simulated Discord that is patient with a busy machine."""

from collections.abc import AsyncGenerator

import aiohttp
import pytest

from bot.playground.simulator import limits
from tests.bot.playground.simulator.raw import Raw
from tests.support.loopback import Place
from tests.support.patience import PATIENCE_S


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ACKNOWLEDGE_WITHIN_S", PATIENCE_S)


@pytest.fixture
async def raw(loopback: Place) -> AsyncGenerator[Raw]:
    headers = {"Authorization": f"Bot {loopback.server.token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        yield Raw(session, loopback)

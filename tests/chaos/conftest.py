"""A stage for a test: a loopback Discord that lives on, and bots in their own processes."""

import random
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.playground.simulator import limits
from tests.chaos.activity import Activity
from tests.chaos.processes import ForkServer, open_fork_server
from tests.chaos.stage import Stage, open_stage
from tests.support.patience import PATIENCE_S


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def fork_server() -> AsyncGenerator[ForkServer, None]:
    """One for all tests: it imports everything, which takes seconds."""
    async with open_fork_server() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def stage(
    tmp_path: Path, fork_server: ForkServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Stage, None]:
    """Patient: what Discord's deadlines do is a matter of `make chaos`."""
    monkeypatch.setattr(limits, "ACKNOWLEDGE_WITHIN_S", PATIENCE_S)
    async with open_stage(tmp_path, fork_server=fork_server) as opened:
        opened.patient, opened.spare_s = True, PATIENCE_S
        yield opened


@pytest.fixture
def activity(stage: Stage) -> Activity:
    """What people do; the same in every run."""
    return Activity(stage, random.Random(5))

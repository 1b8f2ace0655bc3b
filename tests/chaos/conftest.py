"""A stage for a test: a loopback Discord that lives on, and bots in their own processes."""

import random
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.chaos.activity import Activity
from tests.chaos.processes import ForkServer, open_fork_server
from tests.chaos.stage import Stage, open_stage


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def fork_server() -> AsyncGenerator[ForkServer, None]:
    """One for all tests: it imports everything, which takes seconds."""
    async with open_fork_server() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def stage(tmp_path: Path, fork_server: ForkServer) -> AsyncGenerator[Stage, None]:
    async with open_stage(tmp_path, fork_server=fork_server) as opened:
        yield opened


@pytest.fixture
def activity(stage: Stage) -> Activity:
    """What people do; the same in every run."""
    return Activity(stage, random.Random(5))

"""A stage for a test: a loopback Discord that lives on, and bots in their own processes."""

import random
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.chaos.deeds import Deeds
from tests.chaos.processes import Nursery, open_nursery
from tests.chaos.stage import Stage, open_stage


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def nursery() -> AsyncGenerator[Nursery, None]:
    """One for all tests: it imports everything, which takes seconds."""
    async with open_nursery() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def stage(tmp_path: Path, nursery: Nursery) -> AsyncGenerator[Stage, None]:
    async with open_stage(tmp_path, nursery=nursery) as opened:
        yield opened


@pytest.fixture
def deeds(stage: Stage) -> Deeds:
    """What people do; the same in every run."""
    return Deeds(stage, random.Random(5))

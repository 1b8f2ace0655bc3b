"""One cluster for a module."""

from collections.abc import AsyncGenerator
from importlib.util import find_spec

import pytest
import pytest_asyncio

from tests.bot.hosts.stage import Stage, open_stage


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster_stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Stage]:
    """One cluster for a module: starting its head takes seconds."""
    if find_spec("ray") is None:  # not imported: it would read its settings before they are made
        pytest.skip("Ray is not installed (make test-hosts)")
    async with open_stage(tmp_path_factory.mktemp("cluster")) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def stage(cluster_stage: Stage) -> AsyncGenerator[Stage]:
    """The module's cluster; its hosts end with the test."""
    yield cluster_stage
    await cluster_stage.empty()

"""A fresh database for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from data.store.database import Database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database.open(tmp_path / "test.db") as opened:
        yield opened

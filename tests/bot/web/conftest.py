"""One gallery of files and rows for all tests, copied by none: they only read it."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import pytest

from bot.web import access
from tests.bot.web.gallery import Shown, make_gallery, page_over
from tests.bot.web.scene import Scene, scene_on
from tests.support.loopback import Place


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    return asyncio.run(make_gallery(tmp_path_factory.mktemp("gallery")))


@pytest.fixture
async def page(gallery: Shown) -> AsyncGenerator[str]:
    async with page_over(gallery.folder) as address:
        yield address


@pytest.fixture
async def http() -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def own_gallery(tmp_path: Path) -> Shown:
    """For tests that change something."""
    return asyncio.run(make_gallery(tmp_path / "own", count=3))


@pytest.fixture
async def scene(
    loopback: Place, own_gallery: Shown, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Scene]:
    """Where people sign in; Discord is asked about them each time."""
    monkeypatch.setattr(access, "KNOWN_S", 0.0)
    async with scene_on(loopback, own_gallery) as opened:
        yield opened

"""Chromium without a window, one for all tests of a process. Named in `pytest_plugins`."""

import asyncio
import os
import shutil
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from tests.support.patience import PATIENCE_MS

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def chromium() -> Generator[tuple["Browser", asyncio.AbstractEventLoop]]:
    """The browser and Playwright's event loop; only for `browser`."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
    try:
        with sync_playwright() as playwright:
            # Its sandbox needs rights that root in a container does not have; it sees only our
            # pages.
            running = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            loop = asyncio.get_running_loop()
            asyncio._set_running_loop(None)
            yield running, loop
            asyncio._set_running_loop(loop)
            running.close()
    finally:
        asyncio._set_running_loop(None)


@pytest.fixture(scope="module")
def browser(chromium: tuple["Browser", asyncio.AbstractEventLoop]) -> Generator["Browser"]:
    """The browser. Between its calls Playwright leaves its event loop marked as the running one of
    this thread: undone after the module, as asynchronous tests of others need theirs."""
    running, loop = chromium
    asyncio._set_running_loop(loop)
    yield running
    asyncio._set_running_loop(None)

"""The playground in a process of its own, and Debian's Chromium on its page."""

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, ViewportSize

from tests.bot.playground.page.visit import Visit
from tests.support.patience import PATIENCE_MS, PATIENCE_S, until_in_thread

ROOT = Path(__file__).resolve().parents[4]


# Other ones for each worker, and none that the system may give to a connection before the gallery,
# which takes the next one, listens at it.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_PORTS = itertools.count(20_000 + 1000 * _WORKER, 10)


class Stage:
    """A running playground. `draws`: seconds per step of the engine without a model, or "demo".
    `pictures`: how many of its own it is filled with. `held`: how many are drawn before one is
    held; prompts hold others, see `stage.HeldEngine`."""

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        draws: float | str = 0.02,
        pictures: int = 0,
        held: int = -1,
    ) -> None:
        self._folder = folder
        port = next(_PORTS) if port is None else port
        command = [sys.executable, "-m", "tests.bot.playground.page.stage"]
        self.process = subprocess.Popen(
            [*command, str(folder), str(port), str(draws), str(pictures), str(held)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.search(r"http://\S+/", line)
        if found is None:
            self.process.kill()
            raise AssertionError(f"no address: {line!r} {self.process.communicate()[1]}")
        self.url = found[0]

    @property
    def port(self) -> int:
        return int(self.url.rstrip("/").rpartition(":")[2])

    def let_go(self, name: str = "held") -> None:
        """Let the picture be drawn that is held under `name`."""
        (self._folder / name).touch()

    def wait_for_commands(self) -> None:
        """Until the bot is there and has told its commands."""
        address = f"{self.url}loopback/state?as=0"

        def told() -> bool:
            with urllib.request.urlopen(address, timeout=PATIENCE_S) as answer:
                state = json.load(answer)
            return bool(state["connected"] and state["commands"])

        until_in_thread(told)

    def stop(self) -> str:
        """As Ctrl-C does. Returns what it complained about."""
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.communicate(timeout=PATIENCE_S)[1]
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Generator[Stage]:
    """One for all tests: each begins with what the others left, as a visitor does."""
    running = Stage(tmp_path_factory.mktemp("playground"))
    running.wait_for_commands()
    yield running
    running.stop()


Open = Callable[..., Visit]


@pytest.fixture
def visit(browser: "Browser", stage: Stage) -> Generator[Open]:
    """Opens the page in a tab of its own; at the end no tab may have complained."""
    with tabs(browser, stage.url) as open_page:
        yield open_page


@contextmanager
def tabs(browser: "Browser", address: str) -> Generator[Open]:
    """See `visit`."""
    opened: list[Tab] = []

    def open_page(user: str = "Alice", channel: str = "general", *, url: str = address) -> Visit:
        tab = _FREE.pop() if _FREE else Tab(browser.new_page(viewport=SIZE))
        opened.append(tab)
        tab.page.goto(url)
        shown = Visit(tab.page)
        shown.become(user)
        shown.enter(channel)
        return shown

    yield open_page
    complaints = [complaint for tab in opened for complaint in tab.leave()]
    _FREE.extend(opened)
    assert not complaints


SIZE: "ViewportSize" = {"width": 1100, "height": 760}


class Tab:
    """A tab with cookies of its own, for one visitor after the other: opening one takes longer than
    most of what is done in it."""

    def __init__(self, page: "Page") -> None:
        self.page = page
        self._complaints: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self._complaints.append(str(error)))
        page.on("dialog", lambda dialog: self._complaints.append(f"dialog: {dialog.message}"))
        page.on("console", self._note)

    def _note(self, line: "ConsoleMessage") -> None:
        if "Content Security" in line.text:
            self._complaints.append(line.text)

    def leave(self) -> list[str]:
        """Make it as new. Returns what the page complained about."""
        self.page.goto("about:blank")
        self.page.unroute_all()
        self.page.context.clear_cookies()
        self.page.set_viewport_size(SIZE)
        self.page.mouse.move(0, 0)
        complaints, self._complaints = self._complaints, []
        return complaints


_FREE: list[Tab] = []
"""Tabs that nobody uses at the moment."""

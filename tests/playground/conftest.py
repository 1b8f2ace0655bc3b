"""The playground in a process of its own, and Debian's Chromium on its page."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

from tests.playground.visit import Visit
from tests.support.patience import PATIENCE_MS, PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]


class Stage:
    """A running playground. `draws`: seconds a step of the engine without a model, or "demo"."""

    def __init__(self, folder: Path, *, port: int = 0, draws: float | str = 0.02) -> None:
        command = [sys.executable, "-m", "tests.playground.stage"]
        self.process = subprocess.Popen(
            [*command, str(folder), str(port), str(draws)],
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

    def wait_for_commands(self) -> None:
        """Until the bot has told its commands."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            with urllib.request.urlopen(
                f"{self.url}loopback/state?as=0", timeout=PATIENCE_S
            ) as answer:
                if json.load(answer)["commands"]:
                    return
            time.sleep(0.05)
        raise AssertionError("the bot told no commands")

    def stop(self) -> str:
        """As Ctrl-C does. Gives what it complained about."""
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


@pytest.fixture(scope="module")
def browser() -> Generator["Browser"]:
    """Chromium, without a window. Not longer than a module: Playwright keeps an event loop running
    in this thread, where asynchronous tests of other modules need theirs."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        # Its sandbox needs rights that root in a container does not have; it sees only our page.
        running = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield running
        running.close()


Open = Callable[..., Visit]


@pytest.fixture
def visit(browser: "Browser", stage: Stage) -> Generator[Open]:
    """Opens the page in a tab of its own; at the end no tab may have complained."""
    with tabs(browser, stage.url) as open_page:
        yield open_page


@contextmanager
def tabs(browser: "Browser", address: str) -> Generator[Open]:
    """See `visit`."""
    opened: list[Page] = []
    complaints: list[str] = []

    def open_page(user: str = "Alice", channel: str = "general", *, url: str = address) -> Visit:
        page = browser.new_page(viewport={"width": 1100, "height": 760})
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        page.on(
            "console",
            lambda line: complaints.append(line.text) if "Content Security" in line.text else None,
        )
        page.goto(url)
        opened.append(page)
        shown = Visit(page)
        shown.become(user)
        shown.enter(channel)
        return shown

    yield open_page
    for page in opened:
        page.close()
    assert not complaints

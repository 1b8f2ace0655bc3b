"""What somebody sees who has just typed `make demo`: the shipped model in the page."""

import io
from collections.abc import Generator

import numpy as np
import pytest
from PIL import Image

from tests.bot.playground.page.conftest import Open, Stage
from training.demo.latents import shrunk
from training.demo.measure import measured

pytest.importorskip("playwright", reason="Playwright is not installed")

from playwright.sync_api import expect

DRAWN_MS = 90_000


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Generator[Stage]:
    running = Stage(tmp_path_factory.mktemp("demo"), draws="demo")
    running.wait_for_commands()
    yield running
    running.stop()


def test_a_green_haired_girl_appears(visit: Open, demo: Stage) -> None:
    alice = visit("Alice", "art", url=demo.url)
    message = alice.imagine("1girl, green hair, beanie, outdoors, night", seed="1")
    expect(message).to_contain_text("step ", timeout=DRAWN_MS)
    expect(message.locator(".embed img")).to_be_visible(timeout=DRAWN_MS)  # a preview
    expect(alice.button(message, "Re-roll")).to_be_visible(timeout=DRAWN_MS)
    expect(message).to_contain_text("Tiny demo model")
    source = message.locator(".files img").get_attribute("src")
    data = alice.page.request.get(f"{demo.url.rstrip('/')}{source}").body()
    picture = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    assert picture.shape == (1216, 832, 3)
    assert measured(shrunk(picture, 8), width=832, height=1216)["hair"] == "green"

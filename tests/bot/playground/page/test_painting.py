"""Painting what is redrawn, from the button to the picture: by mouse, by finger, by keyboard."""

import io
import sqlite3
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from data.store.database import DATABASE_NAME
from tests.bot.playground.page.conftest import Stage, tabs
from tests.bot.playground.page.visit import Visit
from tests.support.keyboard import tab_to
from tests.support.legible import small_targets

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytest.importorskip("playwright", reason="Playwright is not installed")

from playwright.sync_api import expect

from tests.support.patience import PATIENCE_MS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("painting")


@pytest.fixture(scope="module")
def own_stage(folder: Path) -> Generator[Stage]:
    running = Stage(folder)
    running.wait_for_commands()
    yield running
    running.stop()


@pytest.fixture
def alice(browser: "Browser", own_stage: Stage) -> Generator[Visit]:
    with tabs(browser, own_stage.url) as open_page:
        yield open_page()


class Sheets:
    """Pages to paint on, in browsers of their own."""

    def __init__(self, browser: "Browser") -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def open(self, url: str, *, picture: bytes = b"", **options: Any) -> "Page":
        """`picture`: shown instead of the one that was drawn."""
        usual: dict[str, Any] = {"viewport": {"width": 1200, "height": 800}}
        context = self._browser.new_context(**usual | options)
        self._contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda line: self._note(line.text))
        if picture:
            page.route("**/picture.png", lambda route: route.fulfill(body=picture))
        page.goto(url)
        expect(page.locator(".sheet img")).to_have_js_property("complete", value=True)
        return page

    def _note(self, line: str) -> None:
        if "Content Security" in line:
            self.complaints.append(line)

    def close(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture
def sheets(browser: "Browser") -> Generator[Sheets]:
    opened = Sheets(browser)
    yield opened
    opened.close()
    assert not opened.complaints


def link(shown: Visit, prompt: str = "1girl, smile") -> str:
    """A new picture, and the link to its page."""
    message = shown.imagine(prompt, steps="2")
    expect(shown.button(message, "Re-roll")).to_be_visible()
    panel = shown.answer_to(shown.button(message, "^More$").click)
    answer = shown.answer_to(shown.button(panel, "^Paint$").click)
    return str(answer.get_by_role("link", name="Open the page").get_attribute("href"))


def latest(folder: Path) -> tuple[str, np.ndarray[Any, Any]]:
    """The prompt and the mask of the latest job."""
    with closing(sqlite3.connect(folder / "bot" / DATABASE_NAME)) as database:
        mask, words = database.execute(
            "SELECT m.mask, j.words FROM jobs j JOIN job_masks m ON m.job_id = j.id"
            " ORDER BY j.accepted_at DESC LIMIT 1"
        ).fetchone()
    (path,) = (folder / "bot" / "uploads").rglob(f"{mask}.png")
    return str(words), np.asarray(Image.open(path))


def stroke(page: "Page", *points: tuple[float, float]) -> None:
    """By mouse; parts of the picture's width and height."""
    box = page.locator("#mask").bounding_box()
    assert box is not None
    for number, (x, y) in enumerate(points):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=5)
        if number == 0:
            page.mouse.down()
    page.mouse.up()


STRIPED = """() => {
  const canvas = document.querySelector("#mask");
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const greens = [];
  for (let i = 0; i < data.length; i += 4) if (data[i + 3] === 255) greens.push(data[i + 1]);
  return Math.min(...greens) < 80 && Math.max(...greens) > 200;
}"""
"""Whether what is painted is red and white, so that it is seen on red and on white."""


def inked(page: "Page") -> int:
    """How many pixels are painted."""
    return int(
        page.evaluate(
            "() => { const c = document.querySelector('#mask');"
            " const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
            " let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 127; return n; }"
        )
    )


def test_painted_by_mouse(alice: Visit, sheets: Sheets, folder: Path) -> None:
    url = link(alice)
    page = sheets.open(url)
    page.get_by_role("button", name="Redraw", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing is painted yet")
    stroke(page, (0.2, 0.2), (0.8, 0.2))
    first = inked(page)
    assert first > 0
    assert page.evaluate(STRIPED)
    stroke(page, (0.2, 0.8), (0.8, 0.8))
    both = inked(page)
    assert both > first
    page.get_by_role("button", name="Undo").click()
    assert inked(page) == first
    page.get_by_role("button", name="Redo").click()
    assert inked(page) == both
    page.get_by_role("button", name="Eraser").click()
    stroke(page, (0.1, 0.8), (0.9, 0.8))
    assert first <= inked(page) < both
    page.get_by_role("button", name="Clear").click()
    assert inked(page) == 0
    page.keyboard.press("Control+z")
    page.get_by_role("button", name="Brush", exact=True).click()
    expect(page.get_by_label("Prompt")).to_have_value("1girl, smile")
    page.get_by_label("Prompt").fill("1girl, red hat")
    page.get_by_label("Strength").fill("0.9")
    expect(page.locator("output[for=strength]")).to_have_text("0.90")
    page.get_by_role("button", name="Redraw", exact=True).click()
    expect(page.locator(".done")).to_contain_text("on Discord")
    words, mask = latest(folder)
    assert "red hat" in words
    height, width = mask.shape
    assert (int(mask.min()), int(mask.max())) == (0, 255)
    assert mask[int(height * 0.2), width // 2] == 255
    assert mask[int(height * 0.5), width // 2] == mask[height - 1, 0] == 0
    expect(alice.last).to_contain_text("Redrawn in part")
    expect(alice.last.locator(".reference")).to_have_text("↪ Ekaki 1girl, smile")
    page.goto(url)
    expect(page.get_by_role("heading", name="can't be used any more")).to_be_visible()


def test_the_whole_picture_and_the_tools_are_in_view(alice: Visit, sheets: Sheets) -> None:
    url, out = link(alice), io.BytesIO()
    Image.new("RGB", (832, 1216), "teal").save(out, "PNG")
    for width, height in ((390, 844), (1100, 760)):
        size = {"width": width, "height": height}
        page = sheets.open(url, picture=out.getvalue(), viewport=size)
        expect(page.locator("#mask")).to_be_in_viewport(ratio=1)
        expect(page.get_by_role("button", name="Undo")).to_be_in_viewport(ratio=1)


def test_painted_by_keyboard_alone(alice: Visit, sheets: Sheets, folder: Path) -> None:
    page = sheets.open(link(alice))
    keys = page.keyboard
    tab_to(page, page.locator("#mask"))
    expect(page.locator(".ring")).to_be_visible()
    size = int(page.locator("#size").input_value())
    keys.press("-")
    assert int(page.locator("#size").input_value()) < size
    keys.press("+")
    keys.press("+")
    keys.down(" ")
    for _ in range(4):
        keys.press("ArrowRight")
    keys.up(" ")
    line = inked(page)
    keys.press("ArrowDown")
    assert inked(page) == line > 0
    keys.press("Shift+ArrowDown")
    keys.press(" ")
    assert inked(page) > line
    keys.press("Control+z")
    assert inked(page) == line
    keys.press("Control+y")
    keys.press("Control+z")
    keys.press("e")
    expect(page.get_by_role("button", name="Eraser")).to_have_attribute("aria-pressed", "true")
    keys.press("Enter")
    expect(page.locator(".done")).to_be_focused()
    _, mask = latest(folder)
    height, width = mask.shape
    assert mask[height // 2, width // 2] == 255
    assert mask[0, 0] == 0
    expect(alice.last).to_contain_text("Redrawn in part")


def test_painted_by_finger_and_nothing_is_lost_by_an_error(
    alice: Visit, sheets: Sheets, folder: Path
) -> None:
    page = sheets.open(
        link(alice), viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True,
        color_scheme="dark",
    )  # fmt: skip
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert not small_targets(page)
    box = page.locator("#mask").bounding_box()
    assert box is not None
    device: Any = page.context.new_cdp_session(page)
    for kind, parts in (
        ("touchStart", [(0.3, 0.3)]), ("touchMove", [(0.5, 0.5)]), ("touchMove", [(0.7, 0.3)]),
        ("touchEnd", []),
    ):  # fmt: skip
        points = [
            {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]} for x, y in parts
        ]
        device.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    painted = inked(page)
    assert painted > 0
    page.route("**/draw", lambda route: route.abort())
    page.get_by_role("button", name="Redraw", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("still here")
    assert inked(page) == painted
    page.unroute("**/draw")
    page.get_by_role("button", name="Redraw", exact=True).click()
    expect(page.locator(".done")).to_contain_text("on Discord")
    _, mask = latest(folder)
    height, width = mask.shape
    assert mask[int(height * 0.48), width // 2] == 255
    expect(alice.last).to_contain_text("Redrawn in part")

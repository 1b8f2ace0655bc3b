"""Everything on the page can be read and pressed: measured, not a list of known colours."""

import re
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.bot.playground.page.conftest import Open, Stage
from tests.bot.playground.page.visit import Visit
from tests.support.legible import (
    MIN_CONTRAST,
    Measured,
    contrasts,
    small_targets,
    whiten,
    with_text,
)

pytest.importorskip("playwright", reason="Playwright is not installed")

from playwright.sync_api import Page, ViewportSize, expect

LARGE: ViewportSize = {"width": 1100, "height": 760}
PHONE: ViewportSize = {"width": 390, "height": 844}
IN_SENTENCES = ".text a, .embed-title a, .spoiler"
"""Links as high as their line: an exception of WCAG 2.5.8."""


def tops(page: Page) -> Iterator[int]:
    """Where the list of messages has to be scrolled to, so that all of it is seen."""
    whole, seen = page.locator("#scroll").evaluate("it => [it.scrollHeight, it.clientHeight]")
    yield from range(0, max(1, whole - seen + 1), max(100, seen - 100))
    yield whole


def expect_legible(shown: Visit, *, at_least: int, scrolled: bool = False) -> None:
    page = shown.page
    page.wait_for_function(
        "() => !document.getAnimations().length && [...document.images].every(it => it.complete)"
    )
    assert small_targets(page, inline=IN_SENTENCES) == []
    read: list[Measured] = []
    for top in tops(page) if scrolled else [None]:
        if top is not None:
            page.locator("#scroll").evaluate("(it, top) => { it.scrollTop = top; }", top)
        read += contrasts(page)
        with_text(page)
    assert len(read) >= at_least
    assert (
        sorted({(e.words, round(e.contrast, 2)) for e in read if e.contrast < MIN_CONTRAST}) == []
    )


@pytest.fixture(params=[LARGE, PHONE], ids=["large", "phone"])
def alice(visit: Open, request: pytest.FixtureRequest) -> Visit:
    shown = visit("Alice", "art")
    shown.page.set_viewport_size(request.param)
    return shown


def is_phone(shown: Visit) -> bool:
    return shown.page.viewport_size == PHONE


def test_messages_and_panels(alice: Visit) -> None:
    picture = alice.imagine("1girl, legible", steps="2", count="2")
    expect(alice.button(picture, "Re-roll")).to_be_visible()
    alice.star(picture)
    expect(picture.locator(".reaction")).to_be_visible()
    alice.command("me")
    alice.command("help")
    whiten(alice.page)
    alice.page.mouse.move(5, 300)
    expect_legible(alice, at_least=12, scrolled=True)


@pytest.fixture
def house(tmp_path: Path) -> Generator[Stage]:
    """A playground of its own: others see the settings of a new server."""
    running = Stage(tmp_path, draws=0)
    running.wait_for_commands()
    yield running
    running.stop()


def test_the_settings_of_a_server(visit: Open, house: Stage) -> None:
    mika = visit("Mika", "general", url=house.url)
    panel = mika.command("settings")
    mika.button(panel, "^Done$").click()
    expect(panel).to_contain_text("The rules of #general")
    mika.choose(panel, "The rules of", "Gallery settings")
    mika.button(panel, "^Own stars count: off").click()
    expect(mika.button(panel, "^Own stars count: on")).to_be_visible()
    for size in (LARGE, PHONE):
        mika.page.set_viewport_size(size)
        mika.page.mouse.move(5, 300)
        expect_legible(mika, at_least=12, scrolled=True)


def test_channels_and_people(alice: Visit) -> None:
    if is_phone(alice):
        alice.page.get_by_role("button", name="Channels and people").click()
    expect(alice.page.get_by_role("link", name="Gallery on the web")).to_be_visible()
    expect_legible(alice, at_least=14)


def test_typing_a_command(alice: Visit) -> None:
    alice.box.fill("/")
    expect(alice.lines.first).to_be_visible()
    expect_legible(alice, at_least=8)
    alice.box.fill("/imagine prompt: 1girl seed: x cfg: 7")
    alice.press("Escape", "Enter")
    expect(alice.page.get_by_role("alert").filter(has_text="whole number")).to_be_visible()
    expect_legible(alice, at_least=5)
    alice.option("prompt").locator("textarea").fill("green ha")
    expect(alice.lines.first).to_be_visible()
    expect_legible(alice, at_least=6)
    alice.option("prompt").locator("textarea").fill("1girl, x")
    alice.option("cfg").locator("textarea").press("Tab")
    expect(alice.lines.first).to_be_visible()
    expect_legible(alice, at_least=8)


def test_what_opens_over_the_page(alice: Visit) -> None:
    picture = alice.imagine("1girl, opened", steps="2")
    reroll = alice.button(picture, "Re-roll")
    expect(reroll).to_be_visible()
    whiten(alice.page)
    reroll.click(button="right")
    expect(alice.page.get_by_role("menuitem").first).to_be_focused()
    expect_legible(alice, at_least=6)
    alice.press("Escape")
    alice.button(picture, "Remix").click()
    form = alice.page.get_by_role("dialog")
    form.get_by_label(re.compile("^Prompt")).fill("")
    form.get_by_role("button", name="Submit").click()
    expect(form).to_contain_text("This is required.")
    expect_legible(alice, at_least=6)
    alice.press("Escape")
    picture.locator(".files .picture").click()
    expect(alice.page.get_by_role("dialog", name="Picture")).to_be_visible()
    expect_legible(alice, at_least=2)
    alice.press("Escape")
    panel = alice.command("me")
    panel.locator(".select-head").first.click()
    expect(panel.get_by_role("option").first).to_be_visible()
    expect_legible(alice, at_least=6)

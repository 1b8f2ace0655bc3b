"""Everything without a mouse: Tab, arrows, Enter and Escape, from the moment the page is there."""

import re

import pytest

from tests.bot.playground.page.conftest import Open, Stage
from tests.bot.playground.page.visit import Visit
from tests.support.keyboard import tab_to

pytest.importorskip("playwright", reason="Playwright is not installed")

from playwright.sync_api import Locator, expect


@pytest.fixture
def alice(visit: Open) -> Visit:
    return visit("Alice", "art")


def drawn(shown: Visit, prompt: str) -> Locator:
    """A picture, asked for and waited for; the message box has the focus."""
    message = shown.imagine(prompt, steps="2")
    expect(shown.button(message, "Re-roll")).to_be_visible()
    expect(shown.box).to_be_focused()
    return message


def focused(shown: Visit) -> Locator:
    return shown.page.locator(":focus")


def test_letters_typed_anywhere_go_into_the_message_box(alice: Visit) -> None:
    alice.page.evaluate("document.activeElement.blur()")
    alice.type("/imag")
    expect(alice.lines.first).to_contain_text("/imagine")
    alice.box.fill("")
    alice.page.get_by_role("button", name=re.compile("^art")).focus()
    alice.type("hello")
    expect(alice.box).to_have_value("hello")
    alice.box.fill("")


def test_from_opening_the_page_to_a_picture(visit: Open, stage: Stage) -> None:
    somebody = visit("Alice")
    page = somebody.page
    page.goto("about:blank")
    page.goto(stage.url)
    expect(page.locator("#status")).to_have_text("")
    expect(page).to_have_title(re.compile("^general · Alice"))
    tab_to(page, page.get_by_role("radio", name=re.compile("^Alice")))
    somebody.press("ArrowRight")
    expect(page).to_have_title(re.compile("^general · Bob"))
    expect(page.get_by_role("radio", name=re.compile("^Bob"))).to_be_focused()
    expect(somebody.box).to_be_enabled()
    tab_to(page, page.get_by_role("button", name=re.compile("^art")), back=True)
    somebody.press("Enter")
    expect(page).to_have_title(re.compile("^art · Bob"))
    expect(somebody.box).to_be_enabled()
    tab_to(page, somebody.box)
    somebody.type("/imag")
    expect(somebody.lines.first).to_contain_text("/imagine")
    somebody.press("Enter")
    somebody.type("1girl, green ha")
    expect(somebody.lines.first).to_contain_text("green hair")
    somebody.press("ArrowDown", "Enter")
    somebody.type(" beanie")
    somebody.press("Escape")
    tab_to(page, somebody.box)
    somebody.type("step")
    expect(somebody.lines.first).to_contain_text("steps")
    somebody.press("Enter")
    somebody.type("2")
    somebody.press("Enter")
    expect(somebody.last.locator(".reference")).to_have_text("Bob used /imagine")
    expect(somebody.last).to_contain_text("1girl, green hair, beanie")
    expect(somebody.button(somebody.last, "Re-roll")).to_be_visible()


def test_the_first_stop_leads_to_the_message_box(alice: Visit) -> None:
    alice.page.reload()
    expect(alice.page).to_have_title(re.compile("^art · Alice"))
    alice.press("Tab", "Enter")
    expect(alice.box).to_be_focused()
    alice.type("said by keyboard")
    alice.press("Enter")
    expect(alice.last).to_contain_text("said by keyboard")
    expect(alice.page).to_have_title(re.compile("^art · Alice"))


def test_buttons_of_a_message(alice: Visit) -> None:
    picture = drawn(alice, "1girl, pressed")
    reroll = alice.button(picture, "Re-roll")
    tab_to(alice.page, reroll, back=True)
    again = alice.answer_to(lambda: alice.press("Enter"))
    expect(alice.button(again, "Re-roll")).to_be_visible()
    expect(reroll).to_be_focused()


def test_arrows_go_from_message_to_message(alice: Visit) -> None:
    first, second = drawn(alice, "1girl, the first"), drawn(alice, "1girl, the second")
    alice.press("Shift+Tab")
    expect(second.get_by_role("button", name="More about this message")).to_be_focused()
    alice.press("ArrowUp")
    expect(first).to_be_focused()
    alice.press("Tab")
    expect(first.locator(".files .picture")).to_be_focused()
    alice.press("ArrowDown")
    expect(second).to_be_focused()
    alice.press("ArrowDown")
    expect(alice.box).to_be_focused()


def test_a_form_is_opened_filled_and_sent(alice: Visit) -> None:
    picture = drawn(alice, "1girl, before")
    remix = alice.button(picture, "Remix")
    tab_to(alice.page, remix, back=True)
    alice.press("Enter")
    form = alice.page.get_by_role("dialog")
    expect(form.get_by_label(re.compile("^Prompt"))).to_be_focused()
    alice.press("Escape")
    expect(form).to_have_count(0)
    expect(remix).to_be_focused()
    alice.press("Enter")
    expect(form.get_by_label(re.compile("^Prompt"))).to_be_focused()
    alice.press("Control+a")
    alice.type("1girl, filled in by keyboard")
    tab_to(alice.page, form.get_by_role("button", name="Submit"))
    made = alice.answer_to(lambda: alice.press("Enter"))
    expect(made).to_contain_text("1girl, filled in by keyboard")
    expect(form).to_have_count(0)
    expect(remix).to_be_focused()


def test_a_menu_of_choices_and_a_private_answer(alice: Visit) -> None:
    panel = alice.command("me")
    face = panel.locator(".select-head").first
    before = face.inner_text()
    tab_to(alice.page, face, back=True)
    alice.press("Enter", "End", "Enter")
    expect(face).not_to_have_text(before)
    expect(face).to_be_focused()
    tab_to(alice.page, panel.get_by_role("button", name="Dismiss message"))
    alice.press("Enter")
    expect(panel).to_have_count(0)
    expect(alice.box).to_be_focused()


def test_a_message_menu_and_a_star(alice: Visit) -> None:
    picture = drawn(alice, "1girl, starred by keyboard")
    more = picture.get_by_role("button", name="More about this message")
    tab_to(alice.page, more, back=True)
    alice.press("Enter")
    star = alice.page.get_by_role("menuitem", name=re.compile("⭐"))
    while "⭐" not in focused(alice).inner_text():
        alice.press("ArrowDown")
    expect(star).to_be_focused()
    alice.press("Enter")
    mine = picture.get_by_role("button", name="⭐, 1")
    expect(mine).to_have_attribute("aria-pressed", "true")
    expect(more).to_be_focused()
    tab_to(alice.page, mine, back=True)
    alice.press("Enter")
    expect(mine).to_have_count(0)
    expect(picture).to_be_focused()


def test_a_picture_opens_large_and_closes(alice: Visit) -> None:
    picture = drawn(alice, "1girl, seen large")
    small = picture.locator(".files .picture")
    tab_to(alice.page, small, back=True)
    alice.press("Enter")
    large = alice.page.get_by_role("dialog", name="Picture")
    expect(large).to_be_visible()
    tab_to(alice.page, large.get_by_role("link", name="Open original"))
    alice.press("Escape")
    expect(large).to_have_count(0)
    expect(small).to_be_focused()

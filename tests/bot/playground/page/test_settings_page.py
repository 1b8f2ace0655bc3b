"""`/settings` and `/moderate` in the playground, by hand: menus of channels and roles, forms."""

import re

import pytest

from tests.bot.playground.page.conftest import Open
from tests.bot.playground.page.visit import Visit

pytest.importorskip("playwright", reason="Playwright is not installed")

from playwright.sync_api import Locator, expect


def rules_of_channel(moderator: Visit) -> Locator:
    """`/settings`, behind the first steps if nobody has taken them."""
    panel = moderator.command("settings")
    expect(panel).to_contain_text(re.compile("First steps on this|The rules of #"))
    if "First steps on this" in panel.inner_text():
        moderator.button(panel, "^Done$").click()
    expect(panel).to_contain_text("The rules of #general")
    return panel


def test_a_moderator_sets_up_the_server(visit: Open) -> None:
    mika = visit("Mika")
    mika.box.fill("/settings ")
    mika.press("Escape", "Enter")
    panel = mika.page.locator("li.ephemeral").last
    expect(panel).to_contain_text("First steps on this server")
    where = panel.get_by_role("button", name=re.compile("Where I draw"))
    where.click()
    for name in ("#general", "#art"):
        panel.get_by_role("option", name=name, exact=True).click()
    mika.press("Escape")
    expect(panel).to_contain_text("Where I draw: #general and #art")
    panel.get_by_role("button", name="Done").click()
    expect(panel).to_contain_text("The rules of #general")
    panel.locator(".select-head").first.click()
    panel.get_by_role("option", name="Limits by role").click()
    role = panel.get_by_role("button", name=re.compile("Limits of @everyone"))
    role.click()
    panel.get_by_role("option", name="Moderator", exact=True).click()
    expect(panel).to_contain_text("The buttons change the limits of")
    panel.get_by_role("button", name="How many").click()
    form = mika.page.get_by_role("dialog")
    form.get_by_label("Pictures per day").fill("7")
    form.get_by_role("button", name="Submit").click()
    expect(panel).to_contain_text("7 pictures per day")


def test_a_moderator_blocks_and_reads_the_log(visit: Open) -> None:
    mika = visit("Mika")
    mika.box.fill("/moderate log ")
    mika.press("Escape", "Enter")
    expect(mika.page.locator("li.ephemeral").last).to_contain_text("Log of this server")
    alice = visit("Alice")
    alice.box.focus()
    alice.type("/moderate")
    expect(alice.lines.filter(has_text="moderate")).to_have_count(0)


def test_a_menu_stays_open_while_the_message_under_it_is_edited(visit: Open) -> None:
    mika = visit("Mika")
    panel = rules_of_channel(mika)
    mika.choose(panel, "The rules of this channel", "Ratings")
    heads = panel.locator(".select-head")
    heads.nth(4).click()
    # In one go, as nobody is quick enough: choose, and open the next menu before the answer comes.
    panel.evaluate("""panel => {
        const heads = panel.querySelectorAll(".select-head");
        panel.querySelector(".select-list:not([hidden]) [data-value=safe]").click();
        heads[3].click();
    }""")
    expect(panel).to_contain_text(re.compile("Channel's default\\s*safe"))
    mika.page.wait_for_timeout(300)
    expect(panel.locator(".select-list:visible")).to_have_count(1)
    mika.press("Escape")
    expect(panel.locator(".select-list:visible")).to_have_count(0)
    expect(heads.nth(4)).to_contain_text("safe")


def test_a_press_survives_the_edit_of_its_message(visit: Open) -> None:
    mika = visit("Mika")
    panel = rules_of_channel(mika)
    mika.choose(panel, "The rules of this channel", "Gallery settings")
    held = mika.button(panel, "^Own stars count")
    held.scroll_into_view_if_needed()
    before = held.inner_text()
    held.hover()
    mika.page.mouse.down()
    # Another press is answered meanwhile, and all buttons of the message are made anew.
    approval = mika.button(panel, "^Approval")
    was, shown = approval.inner_text(), panel.locator(".embed").inner_text()
    approval.evaluate("button => button.click()")
    expect(panel.locator(".embed")).not_to_have_text(shown)
    mika.page.mouse.up()
    expect(mika.button(panel, "^Own stars count")).not_to_have_text(before)
    expect(mika.button(panel, "^Approval")).not_to_have_text(was)

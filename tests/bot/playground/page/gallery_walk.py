"""What tests and screenshots of the gallery have in common."""

import re

from playwright.sync_api import expect

from tests.bot.playground.page.visit import Visit


def open_a_gallery(mika: Visit) -> None:
    """A moderator chooses channel, highest rating, threshold and web page in the settings."""
    panel = mika.command("settings")
    mika.button(panel, "^Gallery: none").click()
    panel.get_by_role("option", name="#gallery", exact=True).click()
    expect(mika.button(panel, "^Gallery: #gallery")).to_be_visible()
    panel.locator(".select-head").nth(1).click()  # the server's highest rating
    panel.get_by_role("option", name=re.compile("sensitive")).click()
    expect(panel).to_contain_text(re.compile("Server's highest rating\\s*sensitive"))
    mika.button(panel, "Done").click()
    expect(panel).to_contain_text("The rules of #general")
    panel.locator(".select-head").first.click()
    panel.get_by_role("option", name="Gallery settings").click()
    mika.button(panel, "^Gallery above sensitive").click()
    panel.get_by_role("option", name="#age-restricted", exact=True).click()
    mika.button(panel, "Stars needed").click()
    form = mika.page.get_by_role("dialog")
    form.get_by_label(re.compile("Stars")).fill("2")
    form.get_by_role("button", name="Submit").click()
    expect(panel).to_contain_text("into the gallery: 2")
    mika.button(panel, "On the web page").click()
    expect(panel).to_contain_text("On the web page: on")

"""The language of a person's Discord, chosen beside who one is."""

import pytest

from tests.bot.playground.page.conftest import Open
from tests.bot.playground.page.visit import Visit

pytest.importorskip("playwright", reason="Playwright is not installed")

from playwright.sync_api import expect

ENGLISH, JAPANESE = "English", "日本語"


def speak(visitor: Visit, language: str) -> None:
    choice = visitor.page.get_by_label("Language of your Discord")
    choice.select_option(label=language)
    expect(choice).to_be_enabled()


def test_the_bot_speaks_the_language_of_whose_discord_it_is(visit: Open) -> None:
    bob = visit("Bob")
    speak(bob, JAPANESE)
    bob.box.fill("/limi")
    expect(bob.lines.first).to_contain_text("あと何枚")
    bob.box.fill("/imagine-parts ")
    expect(bob.page.locator("#hint")).to_have_text("layout 画像をいくつに、どう分けるか")
    bob.page.get_by_role("button", name="Drop ").click()
    bob.box.fill("")
    answer = bob.command("limits")
    expect(answer).to_contain_text("あなたの利用枠")
    bob.page.reload()
    expect(bob.page.get_by_label("Language of your Discord")).to_have_value("ja")
    bob.become("Alice")
    expect(bob.page.get_by_label("Language of your Discord")).to_have_value("en-US")
    expect(bob.command("limits")).to_contain_text("Your limits")
    bob.become("Bob")
    speak(bob, ENGLISH)
    expect(bob.command("limits")).to_contain_text("Your limits")


def test_forms_and_menus_of_messages_are_translated_too(visit: Open) -> None:
    alice, bob = visit("Alice"), visit("Bob")
    message = alice.imagine("1girl, for two languages", steps="2")
    expect(alice.button(message, "Re-roll")).to_be_visible()
    speak(bob, JAPANESE)
    bob.from_menu(bob.message(message), "画像を報告")
    form = bob.page.get_by_role("dialog")
    expect(form).to_contain_text("どこに問題がありますか")
    bob.press("Escape")
    speak(bob, ENGLISH)

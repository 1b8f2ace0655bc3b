"""The page as people use it, in Chromium, over the real bot with an engine of flat pictures."""

import re
import struct
import zlib
from pathlib import Path

import pytest

from tests.bot.playground.page.conftest import Open, Stage

pytest.importorskip("playwright", reason="Playwright is not installed")

from playwright.sync_api import expect


def test_says_that_discord_is_simulated(visit: Open) -> None:
    alice = visit()
    expect(alice.page.get_by_role("note")).to_contain_text("Simulated Discord")
    channels = alice.page.get_by_role("navigation", name="Channels")
    for name in ("general", "art", "sketches", "age-restricted", "gallery", "Ekaki"):
        expect(channels.get_by_role("button", name=re.compile(f"^{name}")).first).to_be_visible()


def test_a_command_pasted_while_the_channel_loads_is_sent_as_one(visit: Open) -> None:
    alice = visit()
    alice.page.evaluate("""() => {
        const ask = window.fetch;
        window.fetch = async (...all) => {
            const answer = await ask(...all);
            if (String(all[0]).startsWith('/playground/place'))
                await new Promise((done) => { setTimeout(done, 500); });
            return answer;
        };
    }""")
    alice.enter("sketches", loaded=False)
    said = alice.messages.filter(has_text="/imagine prompt:")
    alice.box.fill("/imagine prompt: 1girl, slow channel seed: 1")
    alice.press("Escape", "Enter")
    expect(alice.messages.last).to_contain_text("slow channel")
    expect(said).to_have_count(0)


def test_a_message_that_arrives_while_the_channel_loads_stays(visit: Open) -> None:
    alice, bob = visit(), visit("Bob", "sketches")
    expect(bob.box).to_be_enabled()
    alice.page.evaluate("""() => {
        const ask = window.fetch;
        window.fetch = async (...all) => {
            const answer = await ask(...all);
            if (String(all[0]).startsWith('/loopback/messages'))
                await new Promise((done) => { window.goOn = done; });
            return answer;
        };
    }""")
    alice.box.fill("said in general")
    alice.press("Enter")
    expect(alice.last).to_contain_text("said in general")
    alice.enter("sketches", loaded=False)
    alice.page.wait_for_function("() => window.goOn")
    expect(alice.messages).to_have_count(0)
    expect(alice.page.get_by_role("list", name="Messages")).to_have_attribute("aria-busy", "true")
    bob.box.fill("said meanwhile")
    bob.press("Enter")
    expect(bob.last).to_contain_text("said meanwhile")
    alice.page.evaluate("() => window.goOn()")
    expect(alice.last).to_contain_text("said meanwhile")


def test_a_command_is_typed_and_a_suggestion_taken_by_keyboard(visit: Open) -> None:
    alice = visit()
    alice.box.focus()
    alice.type("/imag")
    expect(alice.lines.first).to_contain_text("/imagine")
    expect(alice.box).to_have_attribute("aria-expanded", "true")
    alice.press("Enter")  # the prompt is required: its field is there at once
    field = alice.option("prompt").locator("textarea")
    expect(field).to_be_focused()
    alice.type("1girl, green ha")
    expect(alice.lines.first).to_contain_text("green hair")
    alice.press("ArrowDown")
    expect(alice.lines.first).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-activedescendant", "line-0")
    alice.press("Enter")
    expect(field).to_have_value(re.compile("^green hair ‹.* ← 1girl›,$"))
    alice.type("cat ea")
    expect(alice.lines.first).to_contain_text(re.compile("^cat ears ‹.* ← 1girl, green hair›"))
    alice.press("Tab")
    alice.press("Escape", "Enter")
    expect(alice.last.locator(".reference")).to_have_text("Alice used /imagine")
    expect(alice.last.get_by_role("button", name=re.compile("Re-roll"))).to_be_visible()
    expect(alice.last).to_contain_text("1girl, green hair, cat ears")


def test_progress_comes_live_and_the_picture_opens_large(visit: Open, stage: Stage) -> None:
    alice = visit()
    message = alice.imagine("1girl, hat, held-hat", steps="8")
    expect(message).to_contain_text("step 1 of 8")
    stage.let_go("held-hat")
    expect(message).not_to_contain_text("step 1 of 8")
    expect(alice.button(message, "Re-roll")).to_be_visible()
    expect(message).not_to_contain_text("step ")
    picture = message.locator(".files img")
    assert picture.evaluate("image => image.naturalWidth") > 8
    message.locator(".files .picture").click()
    large = alice.page.get_by_role("dialog", name="Picture")
    expect(large.locator("img")).to_be_visible()
    alice.press("Escape")
    expect(large).to_have_count(0)


def test_cancel_stops_one_job_and_not_the_other(visit: Open) -> None:
    alice = visit()
    first = alice.imagine("1girl, first of two, held-first", steps="5")
    second = alice.imagine("1girl, second of two", steps="5")
    alice.button(first, "Cancel").click()
    expect(first).to_contain_text(re.compile("cancelled", re.IGNORECASE))
    expect(alice.button(second, "Re-roll")).to_be_visible()


def test_reroll_and_the_remix_form(visit: Open) -> None:
    alice = visit()
    message = alice.imagine("1girl, scarf", steps="4")
    alice.button(message, "Re-roll").click()
    count = alice.messages.filter(has_text="1girl, scarf")
    expect(count).to_have_count(2)
    alice.button(message, "Remix").click()
    form = alice.page.get_by_role("dialog")
    prompt = form.get_by_label("Prompt", exact=False).first
    expect(prompt).to_have_value(re.compile("1girl, scarf"))
    prompt.fill("1girl, beanie, from the form")
    form.get_by_role("button", name="Submit").click()
    expect(form).to_have_count(0)
    expect(alice.last).to_contain_text("1girl, beanie, from the form")
    expect(alice.button(alice.last, "Re-roll")).to_be_visible()


def test_an_ephemeral_answer_is_only_its_viewers(visit: Open) -> None:
    alice = visit()
    alice.box.fill("/limits ")
    alice.press("Enter")
    newest = alice.page.locator("li.ephemeral").last
    expect(newest).to_contain_text("Only you can see this")
    private = alice.page.locator(f'li[data-id="{newest.get_attribute("data-id")}"]')
    alice.become("Bob")
    expect(alice.page.locator("li.message").first).to_be_visible()
    expect(private).to_have_count(0)
    alice.become("Alice")
    expect(private).to_be_visible()
    private.get_by_role("button", name="Dismiss").click()
    expect(private).to_have_count(0)


def test_markup_in_a_prompt_stays_text(visit: Open) -> None:
    alice = visit()
    attack = "<script>alert(1)</script><img src=x onerror=alert(2)>, 1girl"
    message = alice.imagine(attack, steps="2")
    expect(alice.button(message, "Re-roll")).to_be_visible()
    alice.box.fill("<img src=x onerror=alert(3)> [click](javascript:alert(4)) **<b>bold</b>**")
    alice.press("Enter")
    expect(alice.last.locator("strong").last).to_have_text("<b>bold</b>")
    expect(alice.last).to_contain_text("<img src=x onerror=alert(3)> [click](javascript:alert(4))")
    assert alice.page.locator("#messages script, #messages img[src=x], #messages b").count() == 0
    assert alice.page.locator('#messages a[href^="javascript"]').count() == 0


def test_two_tabs_see_each_other(visit: Open, stage: Stage) -> None:
    alice, bob = visit("Alice"), visit("Bob")
    bob.box.fill("Hello **Alice**, <@100000000000000004>")
    bob.press("Enter")
    expect(alice.last.locator(".mention")).to_have_text("@Alice")
    message = alice.imagine("1girl, seen by two, held-tabs", steps="5")
    expect(bob.last).to_contain_text("seen by two")
    bob.button(bob.last, "Cancel").click()
    expect(bob.page.locator("li.ephemeral, .fault:visible").last).to_be_visible()
    stage.let_go("held-tabs")
    expect(alice.button(message, "Re-roll")).to_be_visible()


def test_ten_thousand_characters_are_refused_in_words(visit: Open) -> None:
    alice = visit()
    alice.box.focus()
    alice.page.keyboard.insert_text("a" * 10_000)
    expect(alice.page.get_by_role("alert").first).to_contain_text("8,000 characters too many")
    alice.press("Enter")
    expect(alice.box).to_have_value("a" * 10_000)
    alice.box.fill("")
    alice.box.fill("/imagine prompt: x")
    alice.page.keyboard.insert_text("y" * 10_000)
    alice.press("Escape", "Enter")
    expect(alice.page.locator("#refusal")).to_contain_text("at most")
    expect(alice.option("prompt").locator("textarea")).to_have_attribute("aria-invalid", "true")


def test_values_are_checked_as_the_client_does(visit: Open) -> None:
    alice = visit()
    alice.box.fill("/imagine prompt: 1girl seed: many")
    alice.press("Escape", "Enter")
    expect(alice.page.locator("#refusal")).to_have_text("seed: This takes a whole number.")
    expect(alice.option("seed").locator("textarea")).to_be_focused()
    alice.option("seed").locator("textarea").fill("7")
    alice.press("Escape", "Enter")
    expect(alice.last).to_contain_text("1girl")


def bomb() -> bytes:
    """A PNG of some kB that claims and holds 100 million pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + check

    head = struct.pack(">IIBBBBB", 10_000, 10_000, 1, 0, 0, 0, 0)
    body = zlib.compress(bytes(1251 * 10_000), 9)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", body), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"only text", "read that file as a picture"),
        (bytes(11 * 1024 * 1024), "at most 10.00 MB can be uploaded"),
        (bomb(), "too many pixels"),
    ],
    ids=["text-called-png", "eleven-mib", "decompression-bomb"],
)
def test_a_bad_upload_is_refused_in_words(
    visit: Open, tmp_path: Path, content: bytes, words: str
) -> None:
    alice = visit()
    file = tmp_path / "notes.png"
    file.write_bytes(content)
    alice.box.fill("/imagine prompt: 1girl")
    alice.press("Escape", "Tab")
    alice.type("image")
    alice.press("Enter")
    alice.option("image").locator("input[type=file]").set_input_files(file)
    expect(alice.option("image")).to_contain_text("notes.png")
    alice.page.locator("#send").click()
    expect(alice.page.locator("#refusal:visible, li.ephemeral").last).to_contain_text(words)


def test_who_goes_in_the_middle_finds_everything_on_return(visit: Open, stage: Stage) -> None:
    alice = visit()
    alice.imagine("1girl, left alone, held-alone", steps="5")
    expect(alice.last).to_contain_text("step ")
    alice.page.reload()
    expect(alice.last).to_contain_text("left alone")
    assert alice.page.title().endswith("general · Alice · Ekaki playground")
    alice.page.context.set_offline(True)
    stage.let_go("held-alone")
    alice.page.wait_for_timeout(300)
    alice.page.context.set_offline(False)
    expect(alice.button(alice.last, "Re-roll")).to_be_visible()


def test_free_text_after_a_command_is_its_prompt(visit: Open) -> None:
    alice = visit()
    alice.box.focus()
    alice.type("/imagine 1girl, crown seed:12")
    expect(alice.option("prompt").locator("textarea")).to_have_value("1girl, crown")
    expect(alice.option("seed").locator("textarea")).to_have_value("12")
    alice.press("Escape", "Enter")
    expect(alice.last).to_contain_text("1girl, crown")


def test_text_that_names_no_option_belongs_to_none_as_in_discord(visit: Open) -> None:
    alice = visit()
    alice.box.focus()
    alice.type("/gallery search green hair")  # seven options, none of them required
    expect(alice.page.locator(".command-name")).to_have_text("/gallery search")
    expect(alice.page.locator(".field")).to_have_count(0)
    expect(alice.box).to_have_value("green hair")
    said = alice.messages.count()
    alice.press("Enter")
    refusal = alice.page.get_by_role("alert").filter(has_text="belongs to no option")
    expect(refusal).to_be_visible()
    assert alice.messages.count() == said


def test_text_begins_the_only_option_that_is_left(visit: Open) -> None:
    alice = visit()
    alice.box.focus()
    alice.type("/gallery new fal")
    expect(alice.option("show").locator("textarea")).to_be_focused()
    expect(alice.lines).to_have_text(["False"])
    alice.press("Escape", "Escape")


def test_a_mentioned_channel_is_a_link_to_it(visit: Open) -> None:
    alice = visit()
    alice.box.fill("see <#300000000000000002>")
    alice.press("Enter")
    alice.last.get_by_role("link", name="#art", exact=True).click()
    expect(alice.page.get_by_role("heading", name="art")).to_be_visible()


def test_a_message_menu_offers_the_bots_commands(visit: Open) -> None:
    alice = visit()
    message = alice.imagine("1girl, menu", steps="2")
    expect(alice.button(message, "Re-roll")).to_be_visible()
    message.locator(".content, .embed").last.click(button="right")
    entries = alice.page.get_by_role("menuitem")
    names = entries.all_inner_texts()
    assert len(names) > 2
    expect(entries.first).to_be_focused()
    alice.press("Escape")
    expect(entries).to_have_count(0)


def test_a_select_menu_is_used_by_keyboard(visit: Open) -> None:
    alice = visit()
    alice.box.fill("/me ")
    alice.press("Enter")
    menu = alice.last.locator(".select-head").first
    before = menu.inner_text()
    menu.focus()
    alice.press("Enter", "End", "Enter")
    expect(alice.last.locator(".select-head").first).not_to_have_text(before)


def test_a_phone_has_everything(visit: Open) -> None:
    alice = visit()
    alice.page.set_viewport_size({"width": 390, "height": 780})
    assert alice.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    alice.page.get_by_role("button", name="Channels and people").click()
    alice.page.get_by_role("button", name=re.compile("^gallery")).click()
    expect(alice.page.get_by_role("heading", name="gallery")).to_be_visible()
    alice.box.fill("/")
    expect(alice.lines.filter(has_text="/imagine").first).to_be_visible()
    assert alice.page.evaluate("document.documentElement.scrollWidth <= innerWidth")

"""Moderation from end to end, by hand, on the page of the playground with the shipped model and its
tagger: what member, moderator and owner do, and what each of them sees.

One server for the whole walk, as in life: what an earlier step set is there in a later one.
`EKAKI_SHOTS=FOLDER` keeps a picture of each step.
"""

import os
import re
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from data.shipped.paths import DEMO_MODEL
from pipeline.card import PRESETS, QualityPreset
from tests.bot.playground.page.conftest import Open, Stage, tabs
from tests.bot.playground.page.visit import Visit
from tests.pipeline.own_model import Quiet, make_request, open_own

pytest.importorskip("playwright", reason="Playwright is not installed")

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

CARD = PRESETS[QualityPreset.STANDARD_31]
DRAWN_MS = 60_000
FEW = {"steps": "6", "aspect": "1:1"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Generator[Stage]:
    running = Stage(tmp_path_factory.mktemp("moderation"), draws="demo")
    running.wait_for_commands()
    yield running
    assert "Traceback" not in running.stop()


@pytest.fixture(scope="module")
def person(browser: "Browser", demo: Stage) -> Generator[Open]:
    """A person's tab, kept for the whole walk."""
    with tabs(browser, demo.url) as open_page:
        known: dict[str, Visit] = {}

        def find(user: str, channel: str = "general") -> Visit:
            if user not in known:
                known[user] = open_page(user, channel)
            known[user].enter(channel)
            return known[user]

        yield find


def keep(visitor: Visit, name: str) -> None:
    folder = os.environ.get("EKAKI_SHOTS")
    if folder:
        visitor.page.wait_for_timeout(250)
        visitor.page.screenshot(path=Path(folder) / f"{name}.png")


def drawn(visitor: Visit, message: "Locator") -> None:
    expect(visitor.button(message, "Re-roll")).to_be_visible(timeout=DRAWN_MS)


def accepted(message: "Locator") -> None:
    """A request that is drawn or will be, which everybody sees."""
    expect(message).to_contain_text(re.compile("1girl"))
    expect(message).not_to_have_class(re.compile("ephemeral"))


def log(moderator: Visit, kind: str = "", **about: str) -> "Locator":
    """`/moderate log`, of one kind, as this moderator sees it."""
    options = "".join(f" {name}: {value}" for name, value in about.items())
    shown = moderator.command(f"moderate log{options}" + (f" kind: {kind}" if kind else ""))
    expect(shown).to_contain_text("Log of this server")
    return shown


def test_first_steps_of_a_server(person: Open) -> None:
    mika = person("Mika")
    panel = mika.command("settings")
    expect(panel).to_contain_text("First steps on this server")
    keep(mika, "01-first-steps")
    mika.choose(panel, "Log channel", "#moderators")
    expect(panel.locator(".embed")).to_contain_text("#moderators")
    panel.get_by_role("button", name="Done").click()
    expect(panel).to_contain_text("The rules of #general")
    expect(panel).to_contain_text("Up to safe")
    keep(mika, "02-rules-here")
    mika.choose(panel, "The rules of this channel", "Ratings")
    mika.choose(panel, "Server's highest rating", "Server's highest rating: explicit")
    expect(panel).to_contain_text("not age-restricted")
    keep(mika, "03-ratings")
    mika.choose(panel, "^Ratings", "Channels, log and review")
    mika.choose(panel, "Review channel", "#moderators")
    expect(panel.locator(".embed")).to_contain_text("withheld pictures#moderators")
    panel.get_by_role("button", name="Review: off").click()
    expect(panel).to_contain_text("on: withheld pictures are kept")
    keep(mika, "04-channels")
    mika.choose(panel, "^Channels, log", "Words and tags")
    panel.get_by_role("button", name="Blocked words and tags").click()
    mika.fill_form(One="spider")
    expect(panel).to_contain_text("spider")
    changes = log(mika, kind="setting_changed")
    expect(changes).to_contain_text("Server's highest rating: not set → explicit")
    expect(changes).to_contain_text("Log channel: not set → #moderators")
    keep(mika, "05-log-of-settings")


def test_a_refused_prompt(person: Open) -> None:
    alice, mika = person("Alice", "art"), person("Mika", "moderators")
    refused = alice.imagine("1girl, l0l1")
    expect(refused).to_have_class(re.compile("ephemeral"))
    expect(refused).to_contain_text("loli can't be drawn here")
    keep(alice, "10-hard-rule")
    refused = alice.imagine("1girl, s p i d e r, forest")
    expect(refused).to_contain_text("do not allow spider here")
    keep(alice, "11-server-rule")
    posted = mika.messages.filter(has_text="was refused in")
    expect(posted.filter(has_text="a rule of every server: loli")).to_have_count(1)
    expect(posted.filter(has_text="blocked here: spider")).to_have_count(1)
    keep(mika, "12-log-channel")
    shown = log(mika, kind="refused")
    expect(shown).to_contain_text("1girl, l0l1")
    keep(mika, "13-log-of-refusals")


@pytest.fixture(scope="module")
def placard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What stands for an explicit picture, as the model draws it: an easel that says R-18."""
    engine = open_own(DEMO_MODEL)
    request = make_request(
        prompt=f"1girl, simple background, explicit, nsfw, {CARD.positive}",
        negative_prompt=CARD.negative.removeprefix("nsfw, "),
        width=1024,
        height=1024,
        num_inference_steps=14,
        guidance_scale=7.0,
    )
    path = tmp_path_factory.mktemp("placard") / "placard.png"
    engine.draw(request, 0, Quiet()).image.save(path)
    engine.close()
    return path


def test_a_withheld_picture_is_reviewed_and_released(person: Open, placard: Path) -> None:
    alice, mika = person("Alice", "art"), person("Mika", "moderators")
    alice.box.fill("/imagine prompt: easel strength: 0.2 steps: 6 aspect: 1:1")
    alice.press("Escape", "Tab")
    alice.type("image")
    alice.press("Enter")
    alice.option("image").locator("input[type=file]").set_input_files(placard)
    message = alice.answer_to(lambda: alice.page.locator("#send").click())
    expect(message).to_contain_text("ended without a picture", timeout=DRAWN_MS)
    expect(alice.answer).to_contain_text("rated above sensitive")  # for her alone
    expect(message.locator(".files img")).to_have_count(0)
    keep(alice, "20-withheld")
    shown = mika.command("moderate review")
    expect(shown.locator("img").last).to_be_visible()
    expect(shown).to_contain_text("explicit")
    keep(mika, "21-review")
    shown.get_by_role("button", name="Release as sensitive").click()
    mika.fill_form(Why="A sign on an easel")
    expect(shown).to_contain_text("No picture is waiting")
    expect(message.locator(".files img")).to_be_visible()
    keep(alice, "22-released")
    entry = log(mika, kind="released")
    expect(entry).to_contain_text("A sign on an easel")
    keep(mika, "23-log-of-release")


def test_a_report_from_complaint_to_the_word_back(person: Open) -> None:
    alice, bob, mika = person("Alice", "art"), person("Bob", "art"), person("Mika", "art")
    message = alice.imagine("1girl, red hair, crown", **FEW)
    drawn(alice, message)
    bob.from_menu(bob.last, "Report picture")
    keep(bob, "30-report-form")
    thanks = bob.answer_to(lambda: bob.fill_form(What="not my crown"))
    expect(thanks).to_contain_text("Thank you")
    keep(bob, "31-reported")
    queue = mika.command("moderate reports")
    expect(queue).to_contain_text("not my crown")
    expect(queue.locator(".spoilered img")).to_be_visible()
    keep(mika, "32-report")
    queue.get_by_role("button", name="Take it").click()
    expect(queue).to_contain_text("yours for an hour")
    expect(queue).to_contain_text("Taken by@Mika")
    keep(mika, "33-taken")
    queue.get_by_role("button", name="Delete picture").click()
    expect(queue).to_contain_text("There are no open reports")
    expect(message).to_have_count(0)
    keep(mika, "34-decided")
    bob.enter("Ekaki")
    expect(bob.last).to_contain_text("It has been deleted")
    keep(bob, "35-word-back")


def test_delete_by_the_messages_menu(person: Open) -> None:
    alice, mika = person("Alice", "art"), person("Mika", "art")
    message = alice.imagine("1girl, to be deleted", **FEW)
    drawn(alice, message)
    asked = mika.answer_to(lambda: mika.from_menu(mika.last, "Delete picture"))
    keep(mika, "40-delete")
    asked.get_by_role("button", name="Delete").click()
    expect(message).to_have_count(0)
    keep(mika, "41-deleted")


def test_blocked_and_let_in_again(person: Open) -> None:
    mika, alice = person("Mika"), person("Alice")
    done = mika.command("moderate block user: Alice duration: 7d reason: too many crowns")
    expect(done).to_contain_text("Alice is blocked on this server")
    keep(mika, "50-block")
    refused = alice.imagine("1girl")
    expect(refused).to_contain_text("too many crowns")
    keep(alice, "51-blocked")
    expect(mika.command("moderate blocks")).to_contain_text("too many crowns")
    keep(mika, "52-blocks")
    expect(mika.command("moderate unblock user: Alice")).to_contain_text("again")
    accepted(alice.imagine("1girl, back again", **FEW))


def test_limits_of_a_role(person: Open) -> None:
    olga, mika = person("Olga"), person("Mika")
    panel = olga.command("settings")
    olga.choose(panel, "The rules of this channel", "Limits by role")
    olga.choose(panel, "Limits of @everyone", "Moderator")
    expect(panel).to_contain_text("The buttons change the limits of@Moderator")
    panel.get_by_role("button", name="How many").click()
    olga.fill_form(Pictures_per_day="1")
    expect(panel).to_contain_text("1 picture per day")
    keep(olga, "60-limits")
    accepted(mika.imagine("1girl, the only one", **FEW))
    refused = mika.imagine("1girl, one too many", **FEW)
    expect(refused).to_have_class(re.compile("ephemeral"))
    keep(mika, "61-limit-hit")
    expect(refused).to_contain_text("allow you 1 picture in 24 hours, and 0 are left")
    mika.command("limits")
    keep(mika, "62-limits-shown")
    expect(olga.command("moderate reset user: Mika")).to_contain_text("are reset")
    accepted(mika.imagine("1girl, after the reset", **FEW))
    expect(olga.command("moderate grant user: Mika pictures: 2")).to_contain_text("2 pictures")
    accepted(mika.imagine("1girl, granted", **FEW))
    keep(olga, "63-reset-and-grant")


def test_the_owner_looks_after_the_bot(person: Open) -> None:
    olga, bob = person("Olga"), person("Bob")
    expect(olga.command("owner maintenance state: on reason: new memory")).to_contain_text("is on")
    refused = bob.imagine("1girl")
    expect(refused).to_contain_text("new memory")
    keep(bob, "70-maintenance")
    expect(olga.command("owner maintenance state: off")).to_contain_text("is off")
    waiting = bob.imagine("1girl, patience", steps="60", count="4")
    accepted(waiting)
    olga.command("owner announce words: back in a minute")
    told = olga.messages.filter(has_text=re.compile(r"People who get the message: [1-9]"))
    expect(told.last).to_be_visible()
    expect(bob.messages.filter(has_text="back in a minute").last).to_be_visible()
    keep(bob, "71-announcement")
    bob.button(waiting, "Cancel").click()
    expect(olga.command("owner block user: Bob reason: enough")).to_contain_text("everywhere")
    refused = bob.imagine("1girl")
    expect(refused).to_contain_text("operator of this bot has blocked you")
    keep(bob, "72-owner-block")
    expect(olga.command("owner unblock user: Bob")).to_contain_text("no longer")
    keep(olga, "73-owner")


def test_help_says_what_moderators_see(person: Open) -> None:
    alice = person("Alice")
    shown = alice.command("help")
    alice.choose(shown, "Choose a topic", "Moderators")
    expect(shown).to_contain_text("Moderators of a server see what is asked for")
    keep(alice, "80-help")

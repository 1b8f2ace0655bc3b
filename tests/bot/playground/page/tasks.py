"""Ten tasks as a new user does them in the playground: counts keys, clicks and seconds.

`python -m tests.bot.playground.page.tasks [--out FOLDER]` prints the table of docs/playground.md
and keeps screenshots in FOLDER.
"""

import argparse
import re
import shutil
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from playwright.sync_api import Browser, Error, Page, expect, sync_playwright

from tests.bot.playground.page.conftest import Stage
from tests.bot.playground.page.visit import Visit

if TYPE_CHECKING:
    from playwright.sync_api import Locator, ViewportSize

SIZES: "tuple[ViewportSize, ...]" = (
    {"width": 1100, "height": 760},
    {"width": 390, "height": 844},
)
KEY_MS = 100
DRAWN_MS = 300_000
LOOKS_AT = 5  # suggestions that a person reads
TEN = (
    "1girl", "silver hair", "long hair", "blue eyes", "smile", "white shirt", "black jacket",
    "hair flower", "outdoors", "night",
)  # fmt: skip


@dataclass
class Counted(Visit):
    """A person whose keys and clicks are counted from `begin` on."""

    out: Path | None
    typed: int = 0
    pressed: int = 0
    clicks: int = 0
    drawing: float = 0
    begun: float = field(default_factory=time.monotonic)

    def begin(self) -> None:
        self.typed = self.pressed = self.clicks = 0
        self.drawing, self.begun = 0, time.monotonic()

    @property
    def row(self) -> str:
        """What was counted, for the table."""
        whole = time.monotonic() - self.begun - self.drawing
        drawing = f"{self.drawing:.0f}" if self.drawing else "-"
        return f"{self.typed} + {self.pressed} | {self.clicks} | {whole:.0f} | {drawing}"

    def type(self, text: str) -> None:
        self.typed += len(text)
        self.page.keyboard.type(text, delay=KEY_MS)

    def press(self, *keys: str) -> None:
        self.pressed += len(keys)
        super().press(*keys)

    def click(self, target: "Locator") -> None:
        self.clicks += 1
        target.click()

    def say(self, command: str, options: str = "", *, sent: bool = True) -> None:
        """Type a command's name, take its suggestion, type the options and send it."""
        self.click(self.box)
        self.type(f"/{command}")
        expect(self.lines.first).to_contain_text(f"/{command}")
        self.press("Tab")
        self.type(options)
        if sent:
            self.press("Enter")

    def drawn(self, message: "Locator", count: int = 1) -> None:
        """Wait for the finished picture in a message, without counting the drawing."""
        since = time.monotonic()
        expect(self.button(message, "Re-roll")).to_be_visible(timeout=DRAWN_MS)
        expect(message.locator(".files img")).to_have_count(count)
        self.drawing += time.monotonic() - since

    def goes_to(self, channel: str) -> None:
        if self.page.locator("#menu").is_visible():
            self.click(self.page.locator("#menu"))
        self.click(self.page.get_by_role("button", name=re.compile(f"^{channel}\\b")).first)
        self.wait_for_channel(channel)

    @property
    def newest(self) -> "Locator":
        """The newest message with finished pictures, which stays the same one."""
        found = self.messages.filter(has=self.page.get_by_role("button", name="Re-roll")).last
        return self.message(found)

    def made_by(self, name: str) -> "Locator":
        """The newest message that answers somebody."""
        return self.messages.filter(has=self.page.locator(".reference", has_text=name)).last

    def picture(self, action: Callable[[], object], count: int = 1) -> "Locator":
        """The finished message that answers `action`."""
        message = self.answer_to(action)
        self.drawn(message, count)
        return message

    def keep(self, name: str) -> None:
        if self.out is not None:
            self.page.wait_for_timeout(400)
            width = (self.page.viewport_size or SIZES[0])["width"]
            self.page.screenshot(path=self.out / f"{name}-{width}.png")

    # -- the tasks

    def first_picture(self) -> None:
        self.picture(lambda: self.click(self.page.get_by_role("button", name="Draw: ")))

    def ten_tags(self) -> None:
        self.say("imagine", sent=False)
        for tag in TEN:
            self._complete(tag)
        self.keep("ten-tags-typed")
        self.picture(lambda: self.press("Enter"))

    def _complete(self, tag: str) -> None:
        """Type a tag until it is suggested near the top, and take it there."""
        for letter in tag:
            self.type(letter)
            self.page.wait_for_timeout(400)
            labels = self.lines.all_text_contents()[:LOOKS_AT]
            at = next(
                (i for i, each in enumerate(labels) if re.search(rf"(^|, ){tag} ‹", each)), None
            )
            if at is not None:
                self.press(*["ArrowDown"] * (at + 1), "Tab")
                self.page.wait_for_timeout(200)
                return
        self.type(", ")

    def four_pictures(self) -> None:
        prompt = "1girl, red hair, hat, smile count: 4"
        message = self.picture(lambda: self.say("imagine", prompt), count=4)
        self.keep("four-pictures-drawn")
        self.click(message.get_by_role("button", name=re.compile("Picture 1 to 4")))
        choice = message.get_by_role("option", name=re.compile("Picture 2"))
        panel = self.answer_to(lambda: self.click(choice))
        self.keep("four-pictures-chosen")
        self.click(self.button(panel, "Favourite"))
        expect(self.answer).to_contain_text("favourites")

    def vary(self) -> None:
        message = self.newest
        self.picture(lambda: self.click(self.button(message, "^Vary$")))

    def upscale(self) -> None:
        message = self.newest
        self.picture(lambda: self.click(self.button(message, "^Upscale$")))

    def remix(self) -> None:
        self.goes_to("art")
        theirs = self.message(self.made_by("Bob"))
        self.click(self.button(theirs, "Remix"))
        form = self.page.get_by_role("dialog")
        prompt = form.get_by_label(re.compile("^Prompt"))
        expect(prompt).not_to_have_value("")
        self.click(prompt)
        self.press("Control+End")
        self.type(", hat")
        self.keep("remix-form")
        self.picture(lambda: self.click(form.get_by_role("button", name="Submit")))

    def share(self) -> None:
        message = self.newest
        panel = self.answer_to(lambda: self.click(self.button(message, "^More$")))
        self.keep("share-more")
        self.click(self.button(panel, "^Share$"))
        expect(self.answer).to_contain_text("gallery")

    def set_up(self) -> None:
        panel = self.answer_to(lambda: self.say("settings"))
        for menu, channel in (("Log channel", "moderators"), ("^Gallery", "gallery")):
            self.click(panel.get_by_role("button", name=re.compile(menu)))
            self.click(panel.get_by_role("option", name=f"#{channel}", exact=True))
            expect(panel.locator(".embed")).to_contain_text(f"#{channel}")
        self.keep("set-up-chosen")
        self.click(panel.get_by_role("button", name="Done"))
        expect(panel).to_contain_text("The rules of")

    def block_a_word(self) -> None:
        panel = self.answer_to(lambda: self.say("settings"))
        self.click(panel.get_by_role("button", name=re.compile("The rules of this channel")))
        self.click(panel.get_by_role("option", name="Words and tags", exact=True))
        self.click(panel.get_by_role("button", name="Blocked words and tags"))
        form = self.page.get_by_role("dialog")
        self.click(form.get_by_label(re.compile("^One")))
        self.type("spider")
        self.click(form.get_by_role("button", name="Submit"))
        expect(panel.get_by_text("spider", exact=True)).to_be_visible()

    def report(self) -> None:
        """Mika handles what Alice has reported."""
        panel = self.answer_to(lambda: self.say("moderate reports"))
        expect(panel.locator(".files img, .spoiler").first).to_be_visible()
        self.keep("report-open")
        self.click(self.button(panel, "Nothing wrong"))
        expect(panel).to_contain_text("no open reports")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    args = parser.parse_args()
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=args.chromium, args=["--no-sandbox"])
        for size in SIZES:
            shape = f"{size['width']}x{size['height']}"
            sys.stdout.write(f"{shape} | typed + other keys | clicks | s | drawing s\n")
            walk(browser, size, args.out)
        browser.close()
    return 0


def walk(browser: Browser, size: "ViewportSize", out: Path | None) -> None:
    with served(pictures=0) as url:
        carry_out("set_up", arrive(browser, url, "Mika", size, out))
    with served(pictures=2) as url:
        alice = arrive(browser, url, "Alice", size, out)
        wait_until_filled(alice)
        for task in ("first_picture", "ten_tags", "vary", "upscale", "four_pictures"):
            carry_out(task, alice)
        carry_out("remix", alice)
        carry_out("share", alice)
        alice.from_menu(alice.made_by("Bob"), "Report picture")
        expect(alice.page.get_by_role("dialog")).to_be_visible()
        alice.fill_form()
        mika = arrive(browser, url, "Mika", size, out)
        carry_out("block_a_word", mika)
        carry_out("report", mika)


def carry_out(task: str, person: Counted) -> None:
    person.begin()
    try:
        getattr(person, task)()
        row = person.row
    except (AssertionError, Error) as error:
        row = f"failed: {error}"
    sys.stdout.write(f"{task.replace('_', ' ')} | {row}\n")
    sys.stdout.flush()
    person.keep(task.replace("_", "-"))


@contextmanager
def served(*, pictures: int) -> Generator[str]:
    with TemporaryDirectory() as folder:
        stage = Stage(Path(folder), draws="demo", pictures=pictures)
        stage.wait_for_commands()
        try:
            yield stage.url
        finally:
            stage.stop()


def arrive(
    browser: Browser, url: str, name: str, size: "ViewportSize", out: Path | None
) -> Counted:
    page: Page = browser.new_page(viewport=size)
    page.set_default_timeout(30_000)
    page.goto(url)
    person = Counted(page, out=out)
    expect(page.locator("#status")).to_have_text("")
    if page.locator("#menu").is_visible():
        page.locator("#menu").click()
    person.become(name)
    page.wait_for_timeout(500)
    return person


def wait_until_filled(alice: Counted) -> None:
    alice.goes_to("art")  # where the playground draws its own two pictures
    finished = alice.messages.filter(has=alice.page.get_by_role("button", name="Re-roll"))
    expect(finished).to_have_count(2, timeout=DRAWN_MS)
    alice.goes_to("general")


if __name__ == "__main__":
    sys.exit(main())

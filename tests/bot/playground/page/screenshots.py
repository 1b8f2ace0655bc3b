"""Pictures of the running page for the README, once it has filled itself.

`python -m tests.bot.playground.page.screenshots [--model FOLDER] [--out FOLDER] [--only gallery]`
"""

import argparse
import io
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from bot.config.kinds import SHIPPED_MODEL
from bot.playground.page.filling import STARS_NEEDED, pieces
from tests.bot.playground.page.visit import Visit

LIMIT_BYTES = 300_000
PROMPT = "1girl, green hair, beanie, outdoors, night"
DRAWN_MS = 120_000
FILLED_MS = 1_200_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=SHIPPED_MODEL)
    parser.add_argument("--out", type=Path, default=Path("docs/screenshots"))
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--only", choices=("drawing", "gallery"))
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        command = [sys.executable, "-m", "bot", "playground", "--port", "0"]
        process = subprocess.Popen(
            [*command, "--folder", folder, "--model", args.model], stdout=subprocess.PIPE, text=True
        )
        try:
            assert process.stdout is not None
            found = re.search(r"http://\S+/", process.stdout.readline())
            assert found is not None, "the playground did not start"
            browser = playwright.chromium.launch(
                executable_path=args.chromium, args=["--no-sandbox"]
            )
            if args.model == SHIPPED_MODEL:  # no other fills the page
                wait_until_filled(browser, found[0])
            if args.only != "gallery":
                take_all(browser, found[0], args.out)
            if args.only != "drawing" and args.model == SHIPPED_MODEL:
                gallery(browser, found[0], args.out)
            browser.close()
        finally:
            process.terminate()
            process.wait(30)
    return 0


def take_all(browser: Browser, url: str, out: Path) -> None:
    page = browser.new_page(viewport={"width": 1180, "height": 800})
    page.goto(url)
    expect(page.locator("#status")).to_have_text("", timeout=60_000)
    alice = Visit(page)
    alice.become("Alice")
    alice.enter("art")
    suggestions(alice)
    keep(page, out / "suggestions.png")
    alice.press("Escape")
    page.get_by_role("button", name="Drop /imagine").click()
    message = alice.imagine(PROMPT, seed="1", steps="60")
    preview = message.locator(".embed img")
    expect(preview.or_(alice.button(message, "Re-roll"))).to_be_visible(timeout=DRAWN_MS)
    if preview.count():  # else the model is too fast for a step to be seen
        keep(page, out / "progress.png")
    expect(alice.button(message, "Re-roll")).to_be_visible(timeout=DRAWN_MS)
    page.mouse.move(700, 60)
    page.wait_for_timeout(500)
    page.evaluate("document.activeElement.blur()")
    keep(page, out / "picture.png")
    alice.button(message, "Remix").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    keep(page, out / "form.png")
    address = page.url
    page.close()
    phone(browser, address, out)


def suggestions(alice: Visit) -> None:
    alice.box.fill("/imagine ")
    alice.type("1girl, green ha")
    expect(alice.lines.first).to_contain_text("green hair")
    alice.press("ArrowDown")


def phone(browser: Browser, address: str, out: Path) -> None:
    page = browser.new_page(
        viewport={"width": 390, "height": 800}, device_scale_factor=2, is_mobile=True
    )
    page.goto(address)
    expect(page.locator(".files img").last).to_be_visible()
    page.wait_for_timeout(800)
    keep(page, out / "phone.png")
    page.close()


def gallery(browser: Browser, url: str, out: Path) -> None:
    """The most starred picture of the gallery, looked at by a member."""
    bob = arrive(browser, url, "Bob", "gallery")
    page = bob.command("gallery top")
    expect(bob.button(page, "Details")).to_be_visible()
    expect(page.locator("img")).to_be_visible()
    bob.page.mouse.move(700, 60)
    bob.page.evaluate("document.activeElement.blur()")
    bob.page.wait_for_timeout(800)
    keep(bob.page, out / "gallery-discord.png")
    bob.page.close()


def wait_until_filled(browser: Browser, url: str) -> None:
    bob = arrive(browser, url, "Bob", "gallery")
    posts = bob.page.locator("#messages > li.message")
    shared = [piece for piece in pieces() if len(piece.stars) >= STARS_NEEDED]
    expect(posts).to_have_count(len(shared), timeout=FILLED_MS)
    bob.enter("art")
    expect(bob.messages).to_have_count(len(pieces()), timeout=FILLED_MS)
    expect(bob.button(bob.last, "Re-roll")).to_be_visible(timeout=DRAWN_MS)
    bob.page.close()


def arrive(browser: Browser, url: str, name: str, channel: str) -> Visit:
    page = browser.new_page(viewport={"width": 1180, "height": 800})
    page.goto(url)
    expect(page.locator("#status")).to_have_text("", timeout=60_000)
    visitor = Visit(page)
    visitor.become(name)
    visitor.enter(channel)
    return visitor


def keep(page: Page, path: Path) -> None:
    """In as many colours as the limit of size allows."""
    page.evaluate("document.fonts.ready")
    data = page.screenshot(animations="disabled")
    if len(data) > LIMIT_BYTES:
        image = Image.open(io.BytesIO(data)).convert("RGB")
        for colours in (256, 128, 64):
            buffer = io.BytesIO()
            image.quantize(colours, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
            data = buffer.getvalue()
            if len(data) <= LIMIT_BYTES:
                break
    path.write_bytes(data)
    sys.stdout.write(f"{path}: {len(data) // 1000} kB\n")


if __name__ == "__main__":
    sys.exit(main())

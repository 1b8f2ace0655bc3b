"""Pictures of the gallery's page for the README: drawings by our own code hang on it.

`python -m tests.bot.web.screenshots [--out docs/screenshots]`; needs skia-python (the `train`
extra).
"""

import argparse
import io
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

LIMIT_BYTES = 390_000
DESK: Final[dict[str, Any]] = {"viewport": {"width": 1280, "height": 860}}
PHONE: Final[dict[str, Any]] = {
    "viewport": {"width": 390, "height": 820}, "device_scale_factor": 2, "is_mobile": True,
    "has_touch": True,
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/screenshots"))
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.bot.web.stage", f"{folder}/gallery", "drawings"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            browser = playwright.chromium.launch(
                executable_path=args.chromium, args=["--no-sandbox"]
            )
            take_all(browser, address, args.out)
            browser.close()
        finally:
            process.terminate()
            process.wait(30)
    return 0


def take_all(browser: Browser, address: str, out: Path) -> None:
    take(browser, f"{address}/", out / "gallery.jpg", **DESK)
    take(browser, f"{address}/?order=top", out / "gallery-dark.jpg", color_scheme="dark", **DESK)
    take(browser, f"{address}/", out / "gallery-phone.jpg", **PHONE)
    path = best(browser, address)
    take(browser, address + path, out / "gallery-picture.jpg", **DESK)


def best(browser: Browser, address: str) -> str:
    """The path of a picture with a landscape behind it."""
    page = browser.new_page()
    page.goto(f"{address}/?q=night+smile")
    link = page.locator(".pictures a").first
    path = str(link.evaluate("link => link.pathname"))
    page.close()
    return path


def take(browser: Browser, url: str, path: Path, **options: Any) -> None:
    context = browser.new_context(**options)
    page = context.new_page()
    page.goto(url)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(600)
    keep(page, path)
    context.close()


def keep(page: Page, path: Path) -> None:
    """As good as the limit of size allows."""
    image = Image.open(io.BytesIO(page.screenshot(animations="disabled"))).convert("RGB")
    data = b""
    for quality in (88, 80, 70, 60):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality, optimize=True)
        data = buffer.getvalue()
        if len(data) <= LIMIT_BYTES:
            break
    path.write_bytes(data)
    sys.stdout.write(f"{path}: {len(data) // 1000} kB\n")


if __name__ == "__main__":
    sys.exit(main())

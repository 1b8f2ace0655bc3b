"""Goes through a page by the keyboard alone."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

FAR = 150  # stops of the Tab key, more than any page here has between two things


def tab_to(page: "Page", target: "Locator", *, back: bool = False) -> None:
    """Once `target` is there, press Tab (`back`: Shift+Tab) until it has the focus."""
    target.first.wait_for()
    for _ in range(FAR):
        if target.evaluate_all("all => all.includes(document.activeElement)"):
            return
        page.keyboard.press("Shift+Tab" if back else "Tab")
    here = page.evaluate("() => document.activeElement.outerHTML.slice(0, 120)")
    raise AssertionError(f"Tab does not come to {target}, but to {here}")

"""From the playground to the gallery's page, which the same bot serves."""

import pytest

from tests.bot.playground.page.conftest import Open

pytest.importorskip("playwright", reason="Playwright is not installed")

from playwright.sync_api import expect


def test_the_playground_leads_to_the_gallery_and_signs_in_there(visit: Open) -> None:
    alice = visit()
    with alice.page.expect_popup() as opened:
        alice.page.get_by_role("link", name="Gallery on the web").click()
    gallery = opened.value
    expect(gallery.get_by_role("heading", name="Made together")).to_be_visible()
    gallery.get_by_role("link", name="Sign in").click()
    gallery.get_by_role("link", name="Mika").click()
    expect(gallery.get_by_role("button", name="Sign out")).to_be_visible()
    gallery.close()

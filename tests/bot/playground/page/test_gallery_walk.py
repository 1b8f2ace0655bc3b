"""A gallery from its first setting to its web page: two members and a moderator, in browsers."""

import re
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from tests.bot.playground.page.conftest import Open, Stage
from tests.bot.playground.page.gallery_walk import open_a_gallery
from tests.bot.playground.page.visit import Visit

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytest.importorskip("playwright", reason="Playwright is not installed")

from playwright.sync_api import expect

RAIN, NIGHT, SWORD = "1girl, umbrella, rain", "1girl, beanie, night", "1boy, sword, dusk"
DUSKY = "1girl, lantern, dusk"
NOTHING = "No picture in this server's gallery matches"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Generator[Stage]:
    """A playground of its own: the server has no gallery yet."""
    running = Stage(tmp_path_factory.mktemp("gallery"), draws=0)
    running.wait_for_commands()
    yield running
    running.stop()


def test_made_starred_found_and_gone_everywhere(visit: Open, stage: Stage) -> None:
    mika = visit("Mika", url=stage.url)
    open_a_gallery(mika)
    alice, bob = visit("Alice", "art", url=stage.url), visit("Bob", "art", url=stage.url)
    rain, night, sword = alice_and_bob_make_pictures(alice, bob)
    bob.press_behind_more(bob.message(rain), "Vote")
    expect(bob.answer).to_contain_text("Your star counts")
    olga = visit("Olga", "art", url=stage.url)
    olga.star(olga.message(rain))
    alice.press_behind_more(night, "Share")
    bob.press_behind_more(sword, "Share")
    bob.enter("gallery")
    posts = bob.page.locator("#messages > li.message:not(.ephemeral)")
    expect(posts).to_have_count(3)
    post = posts.filter(has_text="umbrella")
    expect(bob.button(post, r"⭐ 2")).to_be_visible()

    finds_them(bob)
    collects(bob, post)
    web, paths = the_page_shows_them(bob)

    mika.enter("gallery")
    mika.button(mika.message(post), "Details").click()
    mika.button(mika.answer, "Remove from gallery").click()
    expect(mika.answer).to_contain_text("Removed from the gallery")

    expect(posts).to_have_count(2)
    expect(posts.filter(has_text="umbrella")).to_have_count(0)
    for command in ("gallery top", "gallery new"):
        expect(bob.command(command)).to_contain_text(SWORD)
        expect(bob.answer).not_to_contain_text("umbrella")
    expect(bob.command("gallery search words: umbrella")).to_contain_text(NOTHING)
    shelf = bob.command("collection show name: Best")
    expect(shelf).to_contain_text("Nothing in it yet")
    gone = paths.pop("umbrella")
    web.goto(web.url)
    expect(wall(web)).to_have_count(2)
    for path in (f"/p/{gone}", f"/i/{gone}/640.webp", f"/i/{gone}/original.png"):
        assert web.request.get(address(web) + path).status == 404, path
    for name in paths.values():
        assert web.request.get(f"{address(web)}/i/{name}/640.webp").status == 200
    a_member_who_signs_in_sees_more(alice, web, gone)


def alice_and_bob_make_pictures(alice: Visit, bob: Visit) -> "tuple[Locator, Locator, Locator]":
    """Three pictures; both makers let theirs be on the web."""
    made = (alice.imagine(RAIN), alice.imagine(NIGHT), bob.imagine(SWORD))
    for visitor, message in zip((alice, alice, bob), made, strict=True):
        expect(visitor.button(message, "Re-roll")).to_be_visible()
    for visitor in (alice, bob):
        expect(visitor.command("gallery public on: True")).to_contain_text("web page")
    return made


def finds_them(bob: Visit) -> None:
    """By words, by stars, by maker; and from one to the next."""
    expect(bob.command("gallery search words: umbrella")).to_contain_text(RAIN)
    page = bob.command("gallery top")
    expect(page).to_contain_text(RAIN)
    expect(page).to_contain_text("⭐ 2")
    bob.button(page, "Next").click()
    expect(page).not_to_contain_text(RAIN)
    page = bob.command("gallery by maker: Alice")
    expect(page).to_contain_text(NIGHT)
    bob.button(page, "Next").click()
    expect(page).to_contain_text(RAIN)
    expect(bob.button(page, "Next")).to_be_disabled()


def collects(bob: Visit, post: "Locator") -> None:
    """An entry, by the id that Details tells."""
    bob.button(post, "Details").click()
    details = bob.answer
    expect(details).to_contain_text("Made by")
    name = details.locator("code").filter(has_text=re.compile("^[a-z0-9]{26}$")).inner_text()
    expect(bob.command("collection create name: Best")).to_contain_text("Best")
    expect(bob.command(f"collection add name: Best id: {name}")).to_contain_text("Best")
    shelf = bob.command("collection show name: Best")
    expect(shelf.locator("img")).to_be_visible()


def the_page_shows_them(bob: Visit) -> "tuple[Page, dict[str, str]]":
    """Opened from the playground; returns the page, and ids by a word of the prompt."""
    with bob.page.expect_popup() as opened:
        bob.page.get_by_role("link", name="Gallery on the web").click()
    web = opened.value
    expect(wall(web)).to_have_count(3)
    paths = {
        word: str(wall(web).filter(has=web.get_by_alt_text(re.compile(word)))
                  .locator("a").evaluate("a => a.pathname")).rpartition("/")[2]
        for word in ("umbrella", "beanie", "sword")
    }  # fmt: skip
    return web, paths


def a_member_who_signs_in_sees_more(alice: Visit, web: "Page", gone: str) -> None:
    """A picture above `safe`: for members alone, and what was removed is gone for them as well."""
    alice.enter("age-restricted")
    message = alice.imagine(DUSKY, rating="sensitive")
    expect(alice.button(message, "Re-roll")).to_be_visible()
    alice.press_behind_more(message, "Share")
    expect(alice.answer).to_contain_text("gallery")
    web.goto(web.url)
    expect(wall(web)).to_have_count(2)
    web.get_by_role("link", name="Sign in").click()
    web.get_by_role("link", name="Bob").click()
    expect(wall(web)).to_have_count(3)
    card = wall(web).filter(has=web.get_by_alt_text(re.compile("lantern"))).locator("a")
    path = str(card.evaluate("a => a.pathname"))
    file = f"{path.replace('/p/', '/i/')}/640.webp"
    for each in (path, file):
        assert web.request.get(address(web) + each).status == 200, each
        assert alice.page.request.get(address(web) + each).status == 404, each
    assert web.request.get(f"{address(web)}/p/{gone}").status == 404


def wall(web: "Page") -> "Locator":
    return web.locator(".pictures > li")


def address(web: "Page") -> str:
    return "/".join(web.url.split("/")[:3])

"""The page as people use it, in Chromium: by mouse, by keyboard, by touch, signed in and out."""

import re
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.keyboard import tab_to
from tests.support.legible import (
    MIN_CONTRAST,
    Measured,
    contrasts,
    small_targets,
    whiten,
    with_text,
)
from tests.support.patience import PATIENCE_MS, PATIENCE_S

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytest.importorskip("playwright", reason="Playwright is not installed")

from playwright.sync_api import expect

ROOT = Path(__file__).resolve().parents[3]
Open = Callable[..., "Page"]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    folder = tmp_path_factory.mktemp("stage")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bot.web.stage", str(folder)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    assert line.startswith("http://"), line
    yield line
    process.terminate()
    process.communicate(timeout=PATIENCE_S)


@pytest.fixture
def visit(browser: "Browser", address: str) -> Generator[Open]:
    """Opens a path in a browser of its own; at the end none may have complained."""
    complaints: list[str] = []
    contexts: list[Any] = []

    def open_page(path: str = "/", **options: Any) -> "Page":
        usual: dict[str, Any] = {"viewport": {"width": 1200, "height": 800}}
        context = browser.new_context(**usual | options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda line: complaints.append(line.text) if "Content Security" in line.text else None,
        )
        page.goto(address + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints


def pictures(page: "Page") -> "Locator":
    return page.locator(".pictures > li")


def test_scrolling_down_loads_more_pictures(visit: Open) -> None:
    page = visit()
    expect(page.get_by_role("heading", name="Made together")).to_be_visible()
    expect(pictures(page).first.locator("img")).to_have_js_property("complete", value=True)
    page.mouse.wheel(0, 30_000)
    expect(pictures(page)).to_have_count(60)
    expect(page.locator(".pager.later")).to_have_count(0)
    links = page.locator(".pictures a").evaluate_all("all => all.map(a => a.pathname)")
    assert len(set(links)) == 60


def test_columns_are_even_and_pictures_keep_their_shape(visit: Open) -> None:
    page = visit()
    boxes: list[Any] = page.locator(".pictures a").evaluate_all(
        "all => all.map(a => { const b = a.getBoundingClientRect(), i = a.firstChild;"
        " return [Math.round(b.x), b.width, b.height, i.getAttribute('height') /"
        " i.getAttribute('width')]; })"
    )
    assert len({box[0] for box in boxes}) == 4
    for _, width, height, shape in boxes:
        assert height / width == pytest.approx(shape, abs=0.06)


def test_search_by_keyboard_filter_and_clear(visit: Open) -> None:
    page = visit()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("lighthouse")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=lighthouse")
    expect(pictures(page)).to_have_count(15)
    page.get_by_label("Shape").select_option("landscape")
    page.wait_for_url("**/?q=lighthouse&shape=landscape")
    expect(pictures(page)).to_have_count(3)
    page.get_by_role("link", name="Most starred").click()
    page.wait_for_url("**/?q=lighthouse&order=top&shape=landscape")
    page.get_by_role("link", name="Clear").click()
    expect(pictures(page)).to_have_count(36)


def test_the_gallery_by_keyboard_alone(visit: Open) -> None:
    page = visit()
    keys = page.keyboard
    tab_to(page, page.get_by_role("searchbox"))
    keys.type("lighthouse")
    keys.press("Enter")
    page.wait_for_url("**/?q=lighthouse")
    tab_to(page, page.get_by_label("Shape"))
    keys.press("l")
    page.wait_for_url("**/?q=lighthouse&shape=landscape")
    tab_to(page, page.get_by_role("link", name="Sign in"))
    keys.press("Enter")
    tab_to(page, page.get_by_role("link", name="Bob"))
    keys.press("Enter")
    expect(pictures(page)).to_have_count(3)
    tab_to(page, page.locator(".pictures a").first)
    keys.press("Enter")
    page.wait_for_url("**/p/**")
    for given, taken in (("Favourite", "In your favourites"), ("In your favourites", "Favourite")):
        tab_to(page, page.get_by_role("button", name=given, exact=True))
        keys.press("Enter")
        expect(page.get_by_role("button", name=taken, exact=True)).to_be_visible()
    tab_to(page, page.locator("summary"))
    keys.press("Enter")
    expect(page.locator("#command")).to_be_visible()
    tab_to(page, page.locator(".tags a").first)
    keys.press("Enter")
    page.wait_for_url("**/?q=**")
    tab_to(page, page.get_by_role("button", name="Sign out"))
    keys.press("Enter")
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()


def test_nothing_found_says_what_helps(visit: Open) -> None:
    page = visit("/?q=unfindable")
    expect(page.get_by_role("heading", name="No pictures match")).to_be_visible()
    page.get_by_role("link", name="All pictures", exact=True).click()
    expect(pictures(page).first).to_be_visible()


def test_a_picture_its_neighbours_and_back_by_keyboard(visit: Open) -> None:
    page = visit("/?q=umbrella")
    page.locator(".pictures a").first.focus()
    page.keyboard.press("ArrowRight")
    second = page.locator(".pictures a").nth(1)
    expect(second).to_be_focused()
    href = second.get_attribute("href")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{href}")
    expect(page.locator("#prompt")).to_contain_text("umbrella")
    page.keyboard.press("ArrowRight")
    page.wait_for_url(re.compile(rf"^(?!.*{re.escape(str(href))}).*/p/.*q=umbrella"))
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(f"**{href}")
    page.keyboard.press("Escape")
    page.wait_for_url("**/?q=umbrella")


def test_the_prompt_is_copied(visit: Open, address: str) -> None:
    page = visit()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
    page.locator(".pictures a").first.click()
    for button, copied in (("Copy", "prompt"), ("Copy as /imagine", "command")):
        page.get_by_role("button", name=button, exact=True).click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        found = page.evaluate("navigator.clipboard.readText()")
        assert found == page.locator(f"#{copied}").text_content()
        expect(page.get_by_role("button", name=button, exact=True)).to_be_visible()
    assert found.startswith("/imagine prompt: 1boy, glasses, city, ")
    assert " --seed 1234567" in found


def test_a_tag_leads_to_pictures_with_it(visit: Open) -> None:
    page = visit("/?q=umbrella")
    page.locator(".pictures a").first.click()
    expect(page.locator("#prompt")).to_have_text(re.compile(r"^1boy, glasses, .*, umbrella, num"))
    expect(page.locator("#complete")).to_contain_text("masterpiece")
    page.get_by_role("link", name="glasses", exact=True).click()
    page.wait_for_url("**/?q=glasses")
    expect(pictures(page)).to_have_count(15)


def test_everything_can_be_read_without_scripts(visit: Open) -> None:
    page = visit(java_script_enabled=False)
    page.get_by_role("link", name="More pictures").click()
    expect(pictures(page)).to_have_count(24)
    page.get_by_role("searchbox").fill("beanie")
    page.get_by_role("searchbox").press("Enter")
    expect(pictures(page)).to_have_count(15)
    page.get_by_label("Shape").select_option("landscape")
    page.get_by_role("button", name="Show").click()
    expect(pictures(page)).to_have_count(3)
    page.locator(".pictures a").first.click()
    expect(page.locator("#prompt")).to_contain_text("beanie")
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
    page.get_by_text("As a command for Discord").click()
    expect(page.locator("#command")).to_be_visible()


def sign_in(page: "Page", name: str) -> None:
    """From wherever they are."""
    page.get_by_role("link", name="Sign in").click()
    page.get_by_role("link", name=name).click()


@pytest.mark.parametrize("script", [True, False])
def test_a_star_and_a_favourite_are_given_and_taken_back(visit: Open, *, script: bool) -> None:
    page = visit("/?q=lighthouse", java_script_enabled=script)
    page.locator(".pictures a").nth(int(script)).click()
    expect(page.get_by_role("button", name="Star")).to_have_count(0)
    here = page.url
    sign_in(page, "Bob")
    stars = int(page.locator(".facts .stars").text_content().split()[1])  # type: ignore[union-attr]
    for given, taken, count in (
        ("Star", "Starred", stars + 1), ("Favourite", "In your favourites", stars + 1),
        ("In your favourites", "Favourite", stars + 1), ("Starred", "Star", stars),
    ):  # fmt: skip
        button = page.get_by_role("button", name=given, exact=True)
        button.focus()
        page.keyboard.press("Enter")
        answer = page.get_by_role("button", name=taken, exact=True)
        expect(answer).to_be_visible()
        if script:
            expect(answer).to_be_focused()
        expect(page.locator(".facts .stars")).to_contain_text(str(count))
    assert page.url.partition("#")[0] == here
    page.reload()
    expect(page.get_by_role("button", name="Star", exact=True)).to_be_visible()


def test_who_signed_out_elsewhere_is_told_by_the_page(visit: Open) -> None:
    page = visit("/?q=beanie")
    page.locator(".pictures a").first.click()
    sign_in(page, "Mika")
    expect(page.get_by_role("button", name="Star", exact=True)).to_be_visible()
    page.context.clear_cookies()
    page.get_by_role("button", name="Star", exact=True).click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    expect(page.get_by_role("button", name="Star")).to_have_count(0)


def test_titles_say_what_is_on_the_page(visit: Open) -> None:
    page = visit()
    expect(page).to_have_title("Ekaki gallery")
    page.goto(f"{page.url}?q=night&order=top&server=200000000000000001")
    expect(page).to_have_title("night · Most starred · Atelier · Ekaki gallery")
    page.locator(".pictures a").first.click()
    expect(page).to_have_title(re.compile("^1girl, green hair, .* · (Alice|Bob|Mika) · Ekaki"))


def test_a_telephone_shows_two_columns_and_nothing_sticks_out(visit: Open) -> None:
    phone: dict[str, Any] = {
        "viewport": {"width": 360, "height": 740},
        "is_mobile": True,
        "has_touch": True,
    }
    page = visit(**phone)
    left = page.locator(".pictures a").evaluate_all(
        "all => all.map(a => Math.round(a.getBoundingClientRect().x))"
    )
    assert len(set(left)) == 2
    page.locator(".pictures a").nth(3).tap()
    expect(page.locator("#prompt")).to_be_visible()
    for _ in range(2):
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 360
        page.go_back()
    here = page.url
    page.goto(here)


def test_signing_in_opens_what_the_server_keeps_to_its_members(visit: Open) -> None:
    page = visit("/?q=hidden")
    expect(page.get_by_role("heading", name="No pictures match")).to_be_visible()
    page.get_by_role("link", name="Sign in").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_role("link", name="Alice").click()
    page.wait_for_url("**/?q=hidden")
    expect(pictures(page)).to_have_count(2)
    page.get_by_label("Rating").select_option("nsfw")
    page.wait_for_url("**/?q=hidden&rating=nsfw")
    page.locator(".pictures a").click()
    expect(page.locator(".facts .rating")).to_have_text("nsfw")
    assert page.locator(".frame img").evaluate("i => i.decode().then(() => i.naturalWidth)") > 0
    picture = page.url
    page.locator(".account .who").click()
    expect(page.get_by_role("heading", name="Where you are signed in")).to_be_visible()
    expect(page.get_by_text("this browser")).to_be_visible()
    page.get_by_role("button", name="Sign out everywhere").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    page.goto(picture)
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()


def test_a_stranger_finds_no_way_to_it(visit: Open) -> None:
    member = visit("/sign-in?next=/%3Fq%3Dhidden")
    member.get_by_role("link", name="Bob").click()
    expect(pictures(member)).to_have_count(2)
    paths = member.locator(".pictures a").evaluate_all("all => all.map(a => a.pathname)")
    files = member.locator(".pictures img").evaluate_all(
        "all => all.flatMap(i => [i.src, ...i.srcset.split(', ').map(s => s.split(' ')[0])])"
    )
    stranger = visit("/")
    for path in [*paths, *(path.replace("/p/", "/i/") + "/original.png" for path in paths)]:
        assert stranger.request.get(stranger.url.rstrip("/") + path).status == 404
    for file in files:
        url = file if file.startswith("http") else stranger.url.rstrip("/") + file
        assert stranger.request.get(url).status == 404
        assert member.request.get(url).status == 200


PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True,
}  # fmt: skip
DESK: dict[str, Any] = {"viewport": {"width": 1100, "height": 760}}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_everything_can_be_read_and_pressed(
    visit: Open, scheme: str, device: dict[str, Any]
) -> None:
    page = visit("/sign-in?next=/%3Fq%3Dlighthouse", color_scheme=scheme, **device)
    page.get_by_role("link", name="Alice").click()
    expect(pictures(page)).to_have_count(15)
    number = 2 * (device is PHONE) + (scheme == "dark")  # each has a star to give
    found = pictures(page).nth(number).locator("a").get_attribute("href")
    root = page.url.partition("?")[0].rstrip("/")
    for path in ("/", "/?q=lighthouse&order=top&shape=portrait", found, "/sessions", "/p/nothing"):
        page.goto(f"{root}{path}")
        if path == found:
            page.get_by_role("button", name="Star", exact=True).click()
            expect(page.get_by_role("button", name="Starred")).to_be_visible()
            page.get_by_text("As a command for Discord").click()
        assert page.evaluate("innerWidth") == device["viewport"]["width"], "it sticks out"
        whiten(page)
        assert small_targets(page) == []
        read = all_contrasts(page)
        assert len(read) >= (4 if path == "/p/nothing" else 12)
        assert [each for each in read if each.contrast < MIN_CONTRAST] == []


def all_contrasts(page: "Page") -> list[Measured]:
    """Of the first windows of the page."""
    height = int(page.evaluate("innerHeight"))
    whole = int(page.evaluate("document.documentElement.scrollHeight"))
    read: list[Measured] = []
    for top in range(0, min(3000, whole), height - 120):
        with_text(page)
        page.evaluate("top => scrollTo(0, top)", top)
        read += contrasts(page)
    return read

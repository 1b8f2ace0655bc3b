"""Everything stays in sight: on a phone, in a large window, and after a press far up."""

import io
import re
from collections.abc import Generator

import pytest
from PIL import Image

from tests.bot.playground.page.conftest import Open, Stage, tabs
from tests.bot.playground.page.visit import Visit

pytest.importorskip("playwright", reason="Playwright is not installed")

from playwright.sync_api import Browser, Locator, Page, Route, ViewportSize, expect

PHONE: ViewportSize = {"width": 390, "height": 844}
LARGE: ViewportSize = {"width": 1280, "height": 800}
SEED = "7"  # of a picture that the tagger lets through
SIZES = {"landscape": (1216, 832), "panorama": (1536, 640), "portrait": (832, 1216)}

BESIDE = """node => [...node.querySelectorAll('*')].filter(each => !each.closest('.hidden')
  && each.getBoundingClientRect().right > innerWidth).map(each => each.outerHTML.slice(0, 80))"""


@pytest.fixture
def phone(browser: Browser, stage: Stage) -> Generator[Open]:
    """As `visit`, on a phone."""
    with tabs(browser, stage.url) as open_page:

        def open_small(user: str = "Alice", channel: str = "general") -> Visit:
            shown = open_page(user, channel)
            shown.page.set_viewport_size(PHONE)
            return shown

        yield open_small


def beside(shown: Visit) -> list[str]:
    """What reaches beyond the right edge."""
    return shown.page.locator("body").evaluate(BESIDE)


@pytest.mark.parametrize("shape", sorted(SIZES))
@pytest.mark.parametrize("count", ["1", "3"])
@pytest.mark.parametrize("width", [390, 1280])
def test_a_picture_fills_its_frame(visit: Open, shape: str, count: str, width: int) -> None:
    alice = visit()
    alice.page.set_viewport_size({"width": width, "height": 800})
    _serve_pictures(alice.page, SIZES[shape])
    message = alice.imagine(
        f"1girl, {shape} of {count}", steps="1", aspect=shape, count=count, seed=SEED
    )
    expect(alice.button(message, "Re-roll")).to_be_visible()
    frames = message.locator(".files .picture")
    expect(frames).to_have_count(int(count))
    for frame in frames.all():
        _expect_filled(frame, SIZES[shape])
    assert not beside(alice)


@pytest.mark.parametrize("count", ["1", "3"])
def test_a_picture_has_its_size_before_it_is_loaded(visit: Open, count: str) -> None:
    alice = visit()
    held: list[Route] = []
    alice.page.route("**/cdn/**", lambda route: held.append(route))  # noqa: PLW0108 - no builtin
    message = alice.imagine(f"1girl, slow {count}", steps="1", count=count, seed=SEED)
    expect(alice.button(message, "Re-roll")).to_be_visible()
    images = message.locator(".files .picture img")
    expect(images).to_have_count(int(count))
    before = [image.bounding_box() for image in images.all()]
    assert not any(image.evaluate("image => image.complete") for image in images.all())
    assert all(box is not None and box["width"] > 20 for box in before), before
    alice.page.unroute("**/cdn/**")  # lets go what is held
    for image, box in zip(images.all(), before, strict=True):
        image.evaluate("image => image.decode()")
        assert image.bounding_box() == pytest.approx(box, abs=1)


@pytest.mark.parametrize("locale", ["en-US", "ja"])
def test_a_portrait_its_line_and_its_buttons_fit_on_a_phone(phone: Open, locale: str) -> None:
    alice = phone()
    _speak(alice, locale)
    _serve_pictures(alice.page, SIZES["portrait"])
    message = alice.imagine("1girl, long hair, " * 9 + "at noon", steps="1", seed=SEED)
    last = alice.button(message, "^(More|その他)$")
    expect(last).to_be_visible()
    message.locator(".files img").evaluate("image => image.decode()")
    last.scroll_into_view_if_needed()
    expect(message.locator(".content")).to_be_in_viewport(ratio=1)
    expect(message.locator(".files")).to_be_in_viewport(ratio=1)
    expect(last).to_be_in_viewport(ratio=1)
    _speak(alice, "en-US")  # for the next visitor


@pytest.mark.parametrize("size", [PHONE, LARGE])
def test_the_sheet_of_a_comparison_has_a_row_of_its_own(visit: Open, size: ViewportSize) -> None:
    alice = visit()
    alice.page.set_viewport_size(size)
    message = alice.command(f"compare prompt: 1girl option: cfg values: 4 | 6 | 8 seed: {SEED}")
    expect(alice.button(message, "Re-roll")).to_be_visible()
    frames = message.locator(".files .picture")
    expect(frames).to_have_count(4)
    sheet, *pictures = [frame.bounding_box() or {} for frame in frames.all()]
    for picture in pictures:
        assert sheet["y"] + sheet["height"] <= picture["y"] == pictures[0]["y"]
        assert sheet["width"] > 2 * picture["width"]
    assert not beside(alice)


def _speak(shown: Visit, locale: str) -> None:
    shown.page.get_by_role("button", name="Channels and people").click()
    with shown.page.expect_response("**/act/speak"):
        shown.page.locator("#locale").select_option(locale)


def _serve_pictures(page: Page, size: tuple[int, int]) -> None:
    """Pictures of the real size, which the engine of these tests does not draw."""
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, "PNG")
    page.route(
        "**/cdn/**", lambda route: route.fulfill(body=out.getvalue(), content_type="image/png")
    )


def _expect_filled(frame: Locator, size: tuple[int, int]) -> None:
    image = frame.locator("img")
    image.evaluate("image => image.decode()")
    outer, inner = frame.bounding_box(), image.bounding_box()
    assert outer is not None
    assert inner is not None
    assert outer["width"] == pytest.approx(inner["width"], abs=1)
    assert outer["height"] == pytest.approx(inner["height"], abs=1)
    assert inner["width"] / inner["height"] == pytest.approx(size[0] / size[1], rel=0.02)
    assert inner["width"] > 100


@pytest.mark.parametrize("command", ["settings", "me", "help", "about", "history", "queue"])
def test_nothing_reaches_beyond_the_right_edge_of_a_phone(phone: Open, command: str) -> None:
    olga = phone("Olga")
    answer = olga.command(command)
    expect(answer).to_be_in_viewport()
    expect(answer.locator(".thinking")).to_have_count(0)
    assert not beside(olga)


def test_the_sidebar_of_a_phone_closes_once_something_is_chosen(phone: Open) -> None:
    alice = phone()
    sidebar = alice.page.locator("#sidebar")
    expect(sidebar).not_to_be_visible()
    chosen = (
        alice.page.get_by_role("radio", name=re.compile("^Bob")),
        alice.page.get_by_role("radio", name=re.compile("^Bob")),  # who one is already
        alice.page.get_by_role("button", name=re.compile("^art")),
        alice.page.locator("#composer"),
        alice.page.locator("#banner"),
    )
    for each in chosen:
        alice.page.get_by_role("button", name="Channels and people").click()
        expect(sidebar).to_be_visible()
        box = each.bounding_box()
        assert box is not None
        alice.page.mouse.click(box["x"] + box["width"] - 4, box["y"] + box["height"] / 2)
        expect(sidebar).not_to_be_visible()


def test_a_language_chosen_on_a_phone_closes_the_sidebar_too(phone: Open) -> None:
    alice = phone()
    for language in ("ja", "en-US"):
        alice.page.get_by_role("button", name="Channels and people").click()
        with alice.page.expect_response("**/act/speak"):
            alice.page.locator("#locale").select_option(language)
        expect(alice.page.locator("#sidebar")).not_to_be_visible()


@pytest.mark.parametrize("size", [PHONE, LARGE])
def test_what_answers_a_press_far_up_comes_into_view(visit: Open, size: ViewportSize) -> None:
    alice = visit()
    alice.page.set_viewport_size(size)
    message = alice.imagine("1girl, far up", steps="1", seed=SEED)
    expect(alice.button(message, "Re-roll")).to_be_visible()
    for _ in range(3):
        alice.command("help")
    more = alice.button(message, "^More$")
    more.scroll_into_view_if_needed()
    more.hover()
    alice.page.mouse.wheel(0, -60)
    answer = alice.answer_to(more.click)
    expect(answer.get_by_text("Dismiss message")).to_be_in_viewport()


def test_a_field_beside_a_long_one_hides_none_of_its_text(visit: Open) -> None:
    alice = visit()
    alice.box.fill("/imagine prompt: 1girl, silver hair, red eyes, black hoodie lora: ")
    field = alice.option("prompt").locator("textarea")
    expect(alice.option("lora")).to_be_visible()
    expect(field).to_have_value(re.compile("hoodie"))
    alice.page.wait_for_function(
        "field => field.scrollHeight <= field.clientHeight + 1", arg=field.element_handle()
    )

"""The state of a page in a button's id, and the sheet of small pictures."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cogs.common.sheet import CELL_HEIGHT, CELL_WIDTH, contact_sheet
from cogs.personal.history_cursor import MAX_WORDS, PAGE_SIZE, TEMPLATE, Browsing, page_count


def browse(words: str, favourites: bool, page: int) -> Browsing:
    return Browsing.of(words=words, favourites=favourites).turned(page)


_BROWSINGS = st.builds(browse, st.text(), st.booleans(), st.integers(-5, 10**9))


@given(_BROWSINGS, st.sampled_from("nofx"))
def test_a_buttons_id_brings_the_same_page_back(browsing: Browsing, role: str) -> None:
    custom_id = browsing.custom_id(role)
    assert 1 <= len(custom_id) <= 100  # Discord's limit
    match = re.fullmatch(TEMPLATE, custom_id)
    assert match is not None
    assert Browsing.parse(match) == browsing


def test_a_long_search_is_cut_and_not_refused() -> None:
    assert len(Browsing.of(words="a" * 500, favourites=False).words) == MAX_WORDS


@pytest.mark.parametrize(
    ("total", "pages"), [(0, 1), (1, 1), (PAGE_SIZE, 1), (PAGE_SIZE + 1, 2), (5 * PAGE_SIZE, 5)]
)
def test_pages_are_counted(total: int, pages: int) -> None:
    assert page_count(total) == pages


def test_a_page_that_is_gone_becomes_the_last_one() -> None:
    assert Browsing(page=7).within(PAGE_SIZE + 1).page == 1
    assert Browsing(page=7).within(0).page == 0
    assert Browsing(page=1).within(100).page == 1


def png(width: int, height: int, colour: tuple[int, int, int]) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, "PNG")
    return out.getvalue()


def near(sheet: Image.Image, place: tuple[int, int], wanted: tuple[int, int, int]) -> bool:
    """JPEG changes colours a little."""
    found = sheet.crop((*place, place[0] + 1, place[1] + 1)).tobytes()
    return all(abs(a - b) < 12 for a, b in zip(found, wanted, strict=True))


def test_the_sheet_shows_pictures_whole_and_in_reading_order() -> None:
    red, green, blue = (200, 20, 20), (20, 200, 20), (20, 20, 200)
    files = [png(832, 1216, red), png(1536, 640, green), None, png(1024, 1024, blue)]
    with Image.open(io.BytesIO(contact_sheet(files))) as sheet:
        assert sheet.width > 3 * CELL_WIDTH
        assert 2 * CELL_HEIGHT < sheet.height < 3 * CELL_HEIGHT
        middle = (CELL_WIDTH // 2, CELL_HEIGHT // 2)
        assert near(sheet, middle, red)
        assert near(sheet, (CELL_WIDTH + 8 + middle[0], middle[1]), green)
        assert near(sheet, (middle[0], CELL_HEIGHT + 8 + middle[1]), blue)
        left_of_the_wide_one = (CELL_WIDTH + 8 + middle[0], 60)
        assert not near(sheet, left_of_the_wide_one, green)  # not cropped to fill


def test_one_damaged_file_leaves_the_others_visible() -> None:
    red = (200, 20, 20)
    with Image.open(io.BytesIO(contact_sheet([b"no picture", png(64, 64, red)]))) as sheet:
        assert near(sheet, (CELL_WIDTH + 8 + 40, CELL_HEIGHT // 2), red)


def test_a_single_picture_has_a_sheet_of_its_own_size() -> None:
    with Image.open(io.BytesIO(contact_sheet([png(64, 64, (1, 2, 3))]))) as sheet:
        assert sheet.size == (CELL_WIDTH, CELL_HEIGHT)

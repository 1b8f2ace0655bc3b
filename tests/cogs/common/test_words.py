"""Numbers, times and people's words as they are shown."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogs.common.words import bar, cut, duration, listed, outside_code, quoted, sentences, size


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "1 second"),
        (0.2, "1 second"),
        (45, "45 seconds"),
        (91, "2 minutes"),
        (3600, "60 minutes"),
        (7200, "2 hours"),
        (3 * 86400, "3 days"),
    ],
)
def test_durations_are_rounded_up(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_lists_read_like_a_sentence() -> None:
    assert [listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


def test_sizes_have_a_unit() -> None:
    assert [size(n) for n in (512, 10 * 1024**2, 1.5 * 1024**3)] == [
        "512 bytes",
        "10 MiB",
        "1.5 GiB",
    ]


@given(st.floats(-1, 2))
def test_bars_keep_their_length(share: float) -> None:
    assert len(bar(share)) == len(bar(0))


@given(st.text(max_size=3000), st.integers(1, 500))
def test_cut_text_is_short_and_on_one_line(typed: str, length: int) -> None:
    shown = cut(typed, length)
    assert len(shown) <= length
    assert "\n" not in shown


@given(st.text(alphabet="*_`~|>#-[]()<@!&>123 everyonehere\n:", max_size=300))
def test_quoted_text_neither_pings_nor_formats(typed: str) -> None:
    shown = quoted(typed)
    assert "@everyone" not in shown
    assert "@here" not in shown
    unescaped = shown.replace("\\\\", "")
    assert re.findall(r"(?<!\\)[*_`~|<]", unescaped) == []
    assert sum(map(shown.count, "*_`~|")) == sum(map(typed.count, "*_`~|"))


def test_quoted_text_keeps_what_was_typed() -> None:
    assert quoted("ganyu \\(genshin impact\\), 1girl") == "ganyu \\\\(genshin impact\\\\), 1girl"


def test_backticks_of_our_texts_stay() -> None:
    assert outside_code("Take out `a_b*` or *this*") == "Take out `a_b*` or \\*this\\*"


@pytest.mark.parametrize(
    "typed",
    [
        "https://a.example/b.png, 1girl",
        "HTTP://a.example",
        "discord.gg/abc",
        "1girl, discord.com/invite/a",
    ],
)
def test_discord_adds_no_preview_of_a_link_that_was_typed(typed: str) -> None:
    shown = quoted(typed)
    assert not re.search(r"(?<!\\)://|\.(?:gg|com)/", shown)
    assert shown.replace("\\", "") == typed


def test_sentences_have_a_space_between_them_where_their_language_has() -> None:
    assert sentences("One.", "", "Two.") == "One. Two."
    assert sentences("一つ。", "二つ。") == "一つ。二つ。"
    assert sentences("50%（1/2）", "あと5秒") == "50%（1/2） あと5秒"
    assert sentences("", "One.") == "One."

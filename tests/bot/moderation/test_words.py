"""A server's own words: found through disguises and markup, whole words only, with exceptions."""

import pytest

from bot.moderation.words import MAX_WORDS, find_blocked, parse_words
from data.guilds.server_settings import Words
from pipeline.errors import InputError

BLOCKED = parse_words("spider, gore, hatsune miku (vocaloid), 血, swim_suit")
WORDS = Words(blocked=BLOCKED, allowed=parse_words("spider lily\nspider-man"))


@pytest.mark.parametrize(
    ("prompt", "word"),
    [
        ("1girl, spider", "spider"),
        ("1girl, (spider:1.3)", "spider"),
        ("1girl, [[SPIDER]]", "spider"),
        ("1girl, s p i d e r", "spider"),
        ("1girl, sp1d3r", "spider"),
        ("1girl, ｓｐｉｄｅｒ", "spider"),
        ("1girl, s\u200bpider", "spider"),
        ("1girl, ѕріder", "spider"),  # Cyrillic letters
        ("1girl, giant_spider on wall", "spider"),
        ("gore", "gore"),
        (r"hatsune miku \(vocaloid\), solo", "hatsune miku vocaloid"),
        ("hatsune_miku_(vocaloid)", "hatsune miku vocaloid"),
        ("1girl, 血", "血"),
        ("1girl, swim suit", "swim suit"),
        ("spider lily, spider", "spider"),
    ],
)
def test_a_blocked_word_is_found(prompt: str, word: str) -> None:
    assert find_blocked(WORDS, prompt, "") == word


@pytest.mark.parametrize(
    "prompt",
    [
        "1girl, spider lily",
        "1girl, red_spider_lily",
        "1girl, spider-man",
        "spiderweb, phantasmagoria, gored dress",
        "1girl, hatsune miku",
        "1girl, smile, night sky, masterpiece, best quality",
    ],
)
def test_harmless_prompts_pass(prompt: str) -> None:
    assert find_blocked(WORDS, prompt, "") is None


def test_who_keeps_a_word_out_may_name_it() -> None:
    assert find_blocked(WORDS, "1girl", "spider, gore") is None
    assert find_blocked(WORDS, "1girl", "(spider:-1.2)") == "spider"  # a negative weight wants it


def test_without_words_nothing_is_refused() -> None:
    assert find_blocked(Words(), "spider", "") is None
    assert find_blocked(Words(allowed=frozenset({"spider"})), "spider", "") is None


def test_a_file_has_words_by_comma_or_line_and_remarks() -> None:
    text = "# our list\nSpider,  Gore # both\r\n\n  two  words ;三つ、四つ\ufeff\nspider"
    assert parse_words(text) == {"spider", "gore", "two words", "三つ", "四つ"}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("69", "word_unusable"),
        ("!!!", "word_unusable"),
        ("x" * 101, "word_too_long"),
        (
            ",".join(
                f"w{chr(97 + i % 26)}{chr(97 + i // 26 % 26)}{chr(97 + i // 676)}"
                for i in range(MAX_WORDS + 1)
            ),
            "words_too_many",
        ),
    ],
)
def test_what_could_not_work_is_refused(text: str, key: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_words(text)
    assert caught.value.key == key

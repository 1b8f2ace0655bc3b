"""Each language says all that English says, with the same data, and fits where Discord puts it."""

import re
import string
from collections import defaultdict
from typing import Any

import pytest

from bot.common.wording import words
from cogs.common.errors import words_of
from data.shipped.text import (
    DEFAULT_LANGUAGE,
    keys,
    language_of,
    languages,
    speaking,
    text,
    translation,
    unfilled,
)
from pipeline.errors import RefusedError
from tests.support.texts_in_code import is_used, limited_uses

OTHERS = sorted(languages() - {DEFAULT_LANGUAGE})


def placeholders(words: str) -> set[tuple[str, str | None, str | None]]:
    """What a text asks for. Which words go with a number is each language's own."""
    found: set[tuple[str, str | None, str | None]] = set()
    for _, name, spec, conversion in string.Formatter().parse(words):
        if "|" in (spec or ""):
            found |= placeholders(spec or "")
        elif name is not None:
            found.add((name, spec, conversion))
    return found


def length(words: str) -> int:
    """Characters at least: what fills the placeholders comes on top."""
    return sum(
        len(literal) + max(map(len, (spec or "").split("|")))
        for literal, _, spec, _ in string.Formatter().parse(words)
    )


COUNTED = (
    "bytes|characters|days|entries|exceptions|files|hours|jobs|members|megapixels|minutes|people|"
    "pictures|presets|requests|seconds|servers|stars|steps|times|turns|upscales|words"
)
_UNBENT = re.compile(rf"\{{(?P<name>\w+)\}} (?:\w+ )?(?:{COUNTED})\b")
_BENT = re.compile(r"\{\w+:[^|{}]*\|(?:[^{}]|\{\w+\})*\}")
NEVER_ONE = {
    # Bounds that the code sets.
    "errors.presets_full", "errors.preset_name", "errors.collection_full", "errors.words_too_many",
    "errors.collections_full", "errors.collection_name", "errors.reason_too_long",
    "errors.word_too_long", "errors.words_too_long", "errors.prompt_too_long",
    "errors.negative_too_long", "errors.grant_out_of_range",
    # Of one there is another text.
    "progress.waiting", "queue.waiting", "result.withheld", "history.page", "words.seconds",
    "words.minutes", "words.hours", "words.days",
}  # fmt: skip


def test_an_english_count_has_a_word_for_one() -> None:
    searched = {key: _UNBENT.search(_BENT.sub("", unfilled(key))) for key in keys() - NEVER_ONE}
    wrong_for_one = {key: found[0] for key, found in searched.items() if found}
    assert not wrong_for_one


@pytest.mark.parametrize(
    ("key", "data", "said"),
    [
        ("settings.limit_pictures_per_day", {"value": 1}, "1 picture per day"),
        ("settings.limit_pictures_per_day", {"value": "1"}, "1 picture per day"),
        ("settings.limit_pictures_per_day", {"value": 0}, "0 pictures per day"),
        ("settings.limit_pictures_per_day", {"value": 11}, "11 pictures per day"),
        ("settings.limit_max_pixels", {"value": "1.05"}, "1.05 megapixels"),
        ("errors.count_out_of_range", {"high": 1, "value": 2}, "1 picture at once; you asked"),
        ("errors.count_out_of_range", {"high": 2, "value": 3}, "1 to 2 pictures at once; you"),
        ("limits.used", {"used": 0, "limit": 1}, "0 of 1 picture"),
        ("limits.used", {"used": 1, "limit": 20}, "1 of 20 pictures"),
    ],
)
def test_a_count_is_said_with_its_word(key: str, data: dict[str, Any], said: str) -> None:
    assert said in text(key, **data)


def test_an_error_counts_as_well() -> None:
    error = RefusedError("quota_day", limit=1, left=1, retry_after_s=60.0)
    assert "You can make 1 picture in 24 hours, and 1 is left." in words_of(error, now=0.0)
    assert "1 request waiting" in words(RefusedError("waiting_own", limit=1))


def test_there_are_other_languages() -> None:
    assert "ja" in OTHERS


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_has_the_keys_of_english(language: str) -> None:
    missing, superfluous = keys() - keys(language), keys(language) - keys()
    assert not missing, f"{language}.toml lacks: {sorted(missing)}"
    assert not superfluous, f"{language}.toml has too much: {sorted(superfluous)}"


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_fills_in_the_same_data(language: str) -> None:
    for key in keys(language) & keys():
        wanted, given = (placeholders(unfilled(key, language=each)) for each in ("en", language))
        assert wanted == given, f"{language}.toml, {key}"


@pytest.mark.parametrize("language", sorted(languages()))
def test_no_text_is_empty_or_breaks_its_markdown(language: str) -> None:
    for key in keys(language):
        words = unfilled(key, language=language)
        assert words.strip(), f"{language}.toml, {key} is empty"
        assert words.count("`") % 2 == 0, f"{language}.toml, {key}: a ` is missing"


def test_the_search_finds_texts() -> None:
    assert len(limited_uses()) > 60


@pytest.mark.parametrize("language", sorted(languages()))
def test_every_text_fits_where_discord_puts_it(language: str) -> None:
    for use in limited_uses():
        for key in keys(language):
            if use.means(key):
                long = length(unfilled(key, language=language))
                assert long <= use.limit, f"{language}.toml, {key} has {long}: {use}"


def test_the_code_uses_every_text() -> None:
    unused = {key for key in keys() if not is_used(key)}
    assert not unused


@pytest.mark.parametrize("language", OTHERS)
def test_english_texts_for_discords_menus_have_one_translation(language: str) -> None:
    """They are looked up by their English words, so these may not mean two things."""
    said: defaultdict[str, set[str]] = defaultdict(set)
    for use in limited_uses():
        if use.limit in {32, 100}:
            for key in filter(use.means, keys() & keys(language)):
                said[unfilled(key)].add(unfilled(key, language=language))
    for english, translated in said.items():
        assert translated == {translation(english, language)}, english


@pytest.mark.parametrize(
    ("locale", "language"),
    [("ja", "ja"), ("en-GB", "en"), ("en-US", "en"), ("fr", "en"), ("", "en"), (None, "en"),
     ("../ja", "en"), ("ja-JP", "ja")],
)  # fmt: skip
def test_everybody_gets_a_language(locale: str | None, language: str) -> None:
    assert language_of(locale) == language


def test_a_language_is_spoken_until_the_end_of_its_block() -> None:
    with speaking("ja"):
        assert text("buttons.delete") == "削除"
        with speaking("en-GB"):
            assert text("buttons.delete") == "Delete"
        assert text("buttons.delete") == "削除"
        assert text("buttons.delete", locale="en") == "Delete"
    assert text("buttons.delete") == "Delete"


def test_what_a_language_lacks_is_said_in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "data.shipped.text._catalogue", {"en": {"a.b": "yes {n}"}, "ja": {}}.__getitem__
    )
    with speaking("ja"):
        assert text("a.b", n=1) == "yes 1"
        with pytest.raises(KeyError):
            text("a.c")

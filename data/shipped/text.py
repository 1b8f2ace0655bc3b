"""All visible text: one catalogue per language, TOML files in `data/texts`.

The language is set once per context (`speaking`), not at every call: in `bot.client.client` for
each interaction, and again where somebody other than its user will read the text.
"""

import string
import tomllib
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from typing import Any, Final

DEFAULT_LANGUAGE: Final = "en"


class _Filling(string.Formatter):
    """As `str.format`, and `{count:picture|pictures}` is the first word for 1, else the second."""

    def format_field(self, value: Any, format_spec: str) -> Any:
        one, either, other = format_spec.partition("|")
        if either:
            return one if str(value) == "1" else other
        return super().format_field(value, format_spec)


_spoken: ContextVar[str] = ContextVar("spoken_language", default=DEFAULT_LANGUAGE)


@cache
def languages() -> frozenset[str]:
    """The languages with a catalogue, by file name: `en`, `ja`, `pt-BR`."""
    found = (files("data") / "texts").iterdir()
    return frozenset(each.name.removesuffix(".toml") for each in found if each.is_file())


def language_of(locale: str | None) -> str:
    """The language to answer `locale` (as Discord writes it: `ja`, `en-GB`) in.

    English if there is no catalogue for it.
    """
    for known in (locale or "", (locale or "").partition("-")[0]):
        if known in languages():
            return known
    return DEFAULT_LANGUAGE


@contextmanager
def speaking(locale: str | None) -> Generator[None]:
    """Within this, and in tasks and threads started in it, `text` uses that language."""
    token = _spoken.set(language_of(locale))
    try:
        yield
    finally:
        _spoken.reset(token)


def text(key: str, /, *, locale: str | None = None, **data: object) -> str:
    """The text `section.key`, with placeholders filled from `data`. KeyError names a missing key.

    In the language of `locale` if given, otherwise in the current one; in English if that language
    lacks it.
    """
    language = _spoken.get() if locale is None else language_of(locale)
    words = _catalogue(language).get(key)
    found = _catalogue(DEFAULT_LANGUAGE)[key] if words is None else words
    return _Filling().vformat(found, (), data)


def translation(english: str, language: str) -> str | None:
    """The translation of a whole English text into `language`, None if there is none.

    For texts that are sent to Discord once, in all languages: descriptions of commands, names of
    menus.
    """
    key = _keys_by_english().get(english)
    return None if key is None else _catalogue(language).get(key)


def keys(language: str = DEFAULT_LANGUAGE) -> frozenset[str]:
    """All keys of a language, for the test that compares languages and uses."""
    return frozenset(_catalogue(language))


def unfilled(key: str, /, *, language: str = DEFAULT_LANGUAGE) -> str:
    """The text with its placeholders, as it is in the catalogue."""
    return _catalogue(language)[key]


@cache
def _catalogue(language: str) -> dict[str, str]:
    source = files("data") / "texts" / f"{language}.toml"
    tables: dict[str, Any] = tomllib.loads(source.read_text(encoding="utf-8"))
    return {
        f"{section}.{key}": value
        for section, entries in tables.items()
        for key, value in entries.items()
    }


@cache
def _keys_by_english() -> dict[str, str]:
    """Of equal texts the first counts: a command's texts come first in their section."""
    return {words: key for key, words in reversed(_catalogue(DEFAULT_LANGUAGE).items())}

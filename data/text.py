"""The one catalogue of visible text: TOML files in `data/texts`, one a language."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

DEFAULT_LOCALE = "en"


@cache
def _catalogue(locale: str) -> dict[str, str]:
    source = files("data") / "texts" / f"{locale}.toml"
    tables: dict[str, Any] = tomllib.loads(source.read_text(encoding="utf-8"))
    return {
        f"{section}.{key}": value
        for section, entries in tables.items()
        for key, value in entries.items()
    }


def text(key: str, /, *, locale: str = DEFAULT_LOCALE, **data: object) -> str:
    """The text `section.key`, its placeholders filled from `data`. KeyError names a missing key."""
    return _catalogue(locale)[key].format(**data)


def keys(locale: str = DEFAULT_LOCALE) -> frozenset[str]:
    """All keys of a language, for the test that compares languages and uses."""
    return frozenset(_catalogue(locale))

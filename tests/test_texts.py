"""Every error that the code raises has words, and the words ask only for data that it brings."""

import ast
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from data.text import keys, text, unfilled

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("bot", "cogs", "data", "pipeline")
ERRORS = {
    "EkakiError",
    "InputError",
    "RefusedError",
    "ModelError",
    "EngineError",
    "StorageError",
    "SettingsError",
}


def _calls() -> Iterator[tuple[str, str, set[str], bool]]:
    """(place, key, names of the data, whether more data may come by **) of each error made."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                    continue
                if node.func.id not in ERRORS or not node.args:
                    continue
                key = node.args[0]
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    names = {word.arg for word in node.keywords if word.arg}
                    more = any(word.arg is None for word in node.keywords)
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", key.value, names, more


CALLS = list(_calls())


def test_the_search_finds_errors() -> None:
    assert len(CALLS) > 20


@pytest.mark.parametrize(
    ("place", "key", "names", "more"), CALLS, ids=[f"{place}-{key}" for place, key, _, _ in CALLS]
)
def test_an_error_has_words_for_its_data(place: str, key: str, names: set[str], more: bool) -> None:
    assert f"errors.{key}" in keys(), f"{place}: no text [errors] {key}"
    asked = {name.split(".")[0].split("[")[0] for name in _placeholders(key)}
    assert text(f"errors.{key}", **dict[str, Any](dict.fromkeys(asked, 1)))
    if not more:  # DERIVED: what cogs and the shell add to the data
        assert asked - names <= DERIVED, f"{place}: {asked - names} is not in the error's data"


DERIVED = {"when"}


def _placeholders(key: str) -> set[str]:
    source = unfilled(f"errors.{key}")
    return {name for _, name, _, _ in string.Formatter().parse(source) if name}

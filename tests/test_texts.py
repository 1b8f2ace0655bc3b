"""Every error that the code raises has words, and the words ask only for data that it brings."""

import ast
import string
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from data.shipped.text import keys, text, unfilled
from tests.support.texts_in_code import PACKAGES, trees

ERRORS = {
    "EkakiError",
    "InputError",
    "RefusedError",
    "ModelError",
    "EngineError",
    "StorageError",
    "SettingsError",
}


@cache
def _calls() -> tuple[tuple[str, str, set[str], bool], ...]:
    """(place, key, names of the data, whether more data may come by **) of each error made."""
    return tuple(
        (f"{path}:{line}", key, names, more)
        for path, tree in trees().items()
        for line, key, names, more in _calls_in(tree)
    )


def _calls_in(tree: ast.Module) -> Iterator[tuple[int, str, set[str], bool]]:
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        if node.func.id not in ERRORS or not node.args:
            continue
        key = node.args[0]
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            names = {word.arg for word in node.keywords if word.arg}
            more = any(word.arg is None for word in node.keywords)
            yield node.lineno, key.value, names, more


def test_the_search_finds_errors() -> None:
    assert len(_calls()) > 20


@pytest.mark.parametrize("package", PACKAGES)
def test_an_error_has_words_for_its_data(package: str) -> None:
    made = [call for call in _calls() if call[0].startswith(f"{package}/")]
    assert made
    for place, key, names, more in made:
        assert f"errors.{key}" in keys(), f"{place}: no text [errors] {key}"
        asked = {name.split(".")[0].split("[")[0] for name in _placeholders(key)}
        assert text(f"errors.{key}", **dict[str, Any](dict.fromkeys(asked, 1)))
        if not more:  # DERIVED: what cogs and the shell add to the data
            assert asked - names <= DERIVED, f"{place}: {asked - names} is not in the error's data"


DERIVED = {"when"}


def _placeholders(key: str) -> set[str]:
    source = unfilled(f"errors.{key}")
    return {name for _, name, _, _ in string.Formatter().parse(source) if name}

"""What the packages import is declared, and nothing else is."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
PACKAGES: Final = ("bot", "cogs", "data", "pipeline")
_GPU_OR_NOT: Final = {"onnxruntime-gpu": "onnxruntime"}  # the same module, one of the two
_NEEDED_BY_OTHERS: Final = {"optimum-onnx"}  # the part of `optimum` with its ONNX pipelines


def imported() -> Iterator[str]:
    """Top-level modules that the packages import, wherever in a file."""
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    yield from (name.name.partition(".")[0] for name in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module:
                    yield node.module.partition(".")[0]


def canonical(name: str) -> str:
    """A distribution's name as PEP 503 has it."""
    name = re.sub(r"[-_.]+", "-", name).lower()
    return _GPU_OR_NOT.get(name, name)


def declared() -> tuple[set[str], set[str]]:
    """(Distributions that are always installed, those of extras for running)."""
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras: dict[str, list[str]] = project["optional-dependencies"]

    def names(lines: list[str]) -> set[str]:
        return {canonical(re.split(r"[^\w.-]", line, maxsplit=1)[0]) for line in lines}

    return names(project["dependencies"]), names(extras["cuda"] + extras["openvino"])


def test_what_is_imported_is_declared_and_nothing_else() -> None:
    outside = {name for name in imported() if name not in {*sys.stdlib_module_names, *PACKAGES}}
    known = packages_distributions()
    providers = {name: {canonical(each) for each in known.get(name, [name])} for name in outside}
    always, extras = declared()
    undeclared = {name for name, by in providers.items() if not by & (always | extras)}
    assert not undeclared, "imported, but not in pyproject.toml"
    superfluous = always - set().union(*providers.values()) - _NEEDED_BY_OTHERS
    assert not superfluous, "in pyproject.toml, but not imported"

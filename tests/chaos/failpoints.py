"""Every failpoint in the source, found by reading it, so that none can be forgotten."""

import ast
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bot", "cogs", "data", "pipeline")


OWN_TESTS = {"backup": "bot/backup", "loras": "bot/loras"}
"""Parts that no round reaches, because an operator uses them: their own tests kill at each of their
failpoints."""


def names(root: Path = ROOT) -> list[str]:
    """The names of all `hit("...")` calls, each once, in alphabetic order, except for OWN_TESTS.

    TypeError for a call whose name is not a literal: it could not be armed from here.
    """
    others = [root / folder for folder in OWN_TESTS.values()]
    paths = [path for package in PACKAGES for path in sorted((root / package).rglob("*.py"))]
    return _names(path for path in paths if not any(path.is_relative_to(each) for each in others))


def own(part: str, root: Path = ROOT) -> list[str]:
    """Those of one of OWN_TESTS."""
    return _names((root / OWN_TESTS[part]).rglob("*.py"))


def _names(paths: Iterable[Path]) -> list[str]:
    found: set[str] = set()
    for path in paths:
        source = path.read_text(encoding="utf-8")
        if "hit(" in source:
            found |= _hits(ast.parse(source), path)
    return sorted(found)


def _hits(tree: ast.AST, path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and _is_hit(node.func)):
            continue
        name = node.args[0] if node.args else None
        if not (isinstance(name, ast.Constant) and isinstance(name.value, str)):
            raise TypeError(f"{path}:{node.lineno}: a failpoint needs a literal name")
        found.add(name.value)
    return found


def _is_hit(called: ast.expr) -> bool:
    return isinstance(called, ast.Name) and called.id == "hit"

"""Every failpoint in the source, found by reading it, so that none can be forgotten."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bot", "cogs", "data", "pipeline")


def names(root: Path = ROOT) -> list[str]:
    """The names of all `hit("...")` calls, each once, in alphabetic order.

    TypeError for a call whose name is not a literal: it could not be armed from here.
    """
    found: set[str] = set()
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
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

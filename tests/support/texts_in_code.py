"""Where the code uses which texts, found by reading it."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from data.guilds.server_settings import SETTINGS
from pipeline.request import OPTIONS

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bot", "cogs", "data", "pipeline")

_HOLE = "\0"
# {{ t('web.title') }}, {{ t('web.order_' ~ order) }}, {{ t('web.trouble_' ~ what ~ '_hint') }}
_IN_TEMPLATE = re.compile(r"\bt\(\s*'([\w.]+)'(?:\s*(~)\s*\w+(?:\s*~\s*'(\w+)')?)?")

LIMITS: dict[tuple[str, str], int] = {
    # (called, its argument): characters, Discord. An argument without a name is its place.
    ("Button", "label"): 80,
    ("button", "label"): 80,
    ("Select", "placeholder"): 150,
    ("ChannelSelect", "placeholder"): 150,
    ("RoleSelect", "placeholder"): 150,
    ("UserSelect", "placeholder"): 150,
    ("SelectOption", "label"): 100,
    ("SelectOption", "description"): 100,
    ("Modal", "title"): 45,
    ("__init__", "title"): 45,  # of a modal's class
    ("Label", "text"): 45,
    ("Label", "description"): 100,
    ("TextInput", "label"): 45,
    ("TextInput", "placeholder"): 100,
    ("Embed", "title"): 256,
    ("Embed", "description"): 4096,
    ("add_field", "name"): 256,
    ("add_field", "value"): 1024,
    ("set_footer", "text"): 2048,
    ("set_author", "name"): 256,
    ("command", "description"): 100,
    ("describe", "*"): 100,
    ("ContextMenu", "name"): 32,
    ("Choice", "name"): 100,
    ("send_message", "0"): 2000,
    ("send", "0"): 2000,
}


@dataclass(frozen=True, slots=True)
class Use:
    """A text that goes where Discord takes `limit` characters. `pattern`: its key, holes in it."""

    place: str
    pattern: str
    limit: int

    def means(self, key: str) -> bool:
        """Whether `key` goes there: of all patterns in the code that fit it, the closest do."""
        whole, patterns = _strings()
        if key in whole:
            return self.pattern == key
        if not _regex(self.pattern).fullmatch(key):
            return False
        closest = max(_told(each) for each in patterns if _regex(each).fullmatch(key))
        return _told(self.pattern) == closest


@cache
def trees() -> dict[str, ast.Module]:
    """The parsed code, by path from the root of the repository."""
    paths = (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))
    return {
        str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8")) for path in paths
    }


@cache
def limited_uses() -> tuple[Use, ...]:
    """Every `text(...)` used directly where Discord has a limit."""
    return tuple(_limited_uses())


def _limited_uses() -> Iterator[Use]:
    for path, tree in trees().items():
        for node in ast.walk(tree):
            for limit, value in _limited(node):
                for pattern in _keys_in(value):
                    yield Use(f"{path}:{value.lineno}", pattern, limit)


def _limited(node: ast.AST) -> Iterator[tuple[int, ast.expr]]:
    if isinstance(node, ast.ClassDef):  # class Presets(GroupCog, group_description=...)
        for word in node.keywords:
            if word.arg == "group_description":
                yield 100, word.value
    if not isinstance(node, ast.Call):
        return
    called = node.func
    name = getattr(called, "attr", None) or getattr(called, "id", None)
    if isinstance(called, ast.Subscript):  # TextInput[Form](...)
        name = getattr(called.value, "attr", None) or getattr(called.value, "id", None)
    given = [(str(place), value) for place, value in enumerate(node.args)]
    given += [(word.arg or "*", word.value) for word in node.keywords]
    for argument, value in given:
        for known in (argument, "*"):
            if (str(name), known) in LIMITS:
                yield LIMITS[str(name), known], value
                break


def _keys_in(value: ast.expr) -> Iterator[str]:
    """The keys of the texts that `value` may be as a whole."""
    match value:
        case ast.IfExp():
            yield from _keys_in(value.body)
            yield from _keys_in(value.orelse)
        case ast.BoolOp():
            for each in value.values:
                yield from _keys_in(each)
        case ast.DictComp():
            yield from _keys_in(value.value)
        case ast.Call(func=ast.Name(id="text"), args=[key, *_]):
            for wanted in (key.body, key.orelse) if isinstance(key, ast.IfExp) else (key,):
                pattern = _pattern(wanted)
                if pattern is not None:
                    yield pattern
        case _:
            pass


def _pattern(value: ast.expr) -> str | None:
    """A string or f-string with holes."""
    match value:
        case ast.Constant(value=str() as whole):
            return whole
        case ast.JoinedStr():
            return "".join(
                str(part.value) if isinstance(part, ast.Constant) else _HOLE
                for part in value.values
            )
        case _:
            return None


@cache
def _templates() -> str:
    paths = (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.html")))
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


@cache
def _strings() -> tuple[frozenset[str], tuple[str, ...]]:
    """All strings in the code, and all f-strings that say more than their holes."""
    whole: set[str] = set()
    holed: set[str] = set()
    for head, hole, tail in _IN_TEMPLATE.findall(_templates()):
        (holed if hole else whole).add(f"{head}{_HOLE}{tail}" if hole else head)
    for tree in trees().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                whole.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                holed.add(_pattern(node) or "")
    # Of rows of tables the code says no more than the names of fields.
    for row in SETTINGS.values():
        whole.update((row.key, row.title, row.heading))
    for option in OPTIONS:
        whole.update((option.field, option.name, option.label))
    told = [each for each in holed if re.fullmatch(r"[\w.\0]*[a-z]\w*[\w.\0]*", each)]
    return frozenset(whole), tuple(sorted(told))


@cache
def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(_HOLE, "(.+?)"))


def _told(pattern: str) -> int:
    """How much a pattern says itself."""
    return len(pattern.replace(_HOLE, ""))


def is_used(key: str) -> bool:
    """Whether the code names the text: whole, or put together from strings that it knows."""
    return _known(key, depth=2)


def _known(word: str, *, depth: int) -> bool:
    whole, patterns = _strings()
    if word in whole:
        return True
    found = (_regex(pattern).fullmatch(word) for pattern in patterns) if depth else ()
    return any(
        match and all(_known(hole, depth=depth - 1) for hole in match.groups()) for match in found
    )

"""All variables, as `Settings` declares them, and `.env.example`, which is made from them.

python -m bot.config.variables > .env.example
"""

import ast
import inspect
import sys
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, cast, get_type_hints

from bot.common.secret import Secret
from bot.config.kinds import Kind, Section, kind_of
from bot.config.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One setting. `default` is written as in a `.env` file, where nothing means the default."""

    field: str
    default: str
    kind: Kind
    section: str

    @property
    def name(self) -> str:
        """Its name in the environment."""
        return self.field.upper()


def _declared() -> list[Variable]:
    found: list[Variable] = []
    section = ""
    hints = get_type_hints(Settings, include_extras=True)
    for field in fields(Settings):
        hint = hints[field.name]
        told = getattr(hint, "__metadata__", ())
        section = next((each.title for each in told if isinstance(each, Section)), section)
        default = _written(field.default)
        found.append(
            Variable(field=field.name, default=default, kind=kind_of(hint), section=section)
        )
    return found


def _written(value: object) -> str:
    """A default as it is typed."""
    match value:
        case None:
            return "0"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case Path():
            return f"./{value.as_posix()}"
        case Secret():
            return ""
        case tuple() | frozenset():
            return ",".join(str(each) for each in cast("Iterable[int]", value))
        case _:
            return str(value)


VARIABLES: Final = tuple(_declared())
"""In the order of `.env.example`."""


def meanings() -> dict[str, str]:
    """What each variable means, by field: the text below its declaration."""
    [declared] = ast.parse(inspect.getsource(Settings)).body
    assert isinstance(declared, ast.ClassDef)
    found: dict[str, str] = {}
    for line, below in zip(declared.body, declared.body[1:], strict=False):
        match line, below:
            case (
                ast.AnnAssign(target=ast.Name(id=field)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[field] = " ".join(text.split())
            case _:
                pass
    return found


def example() -> str:
    """The text of `.env.example`: each variable with meaning, unit, range and default."""
    lines = [
        "# Settings of Ekaki. Copy this file to .env and set DISCORD_TOKEN; the rest is optional.",
        "# A line that is empty or commented out means the default.",
        "# The environment overrides this file. `python -m bot doctor` checks everything.",
    ]
    section = ""
    meaning = meanings()
    for variable in VARIABLES:
        if variable.section != section:
            section = variable.section
            lines += ["", f"## {section}"]
        lines += ["", f"# {meaning[variable.field]}"]
        kind = variable.kind
        unit = f"Unit: {kind.unit}. " if kind.unit else ""
        lines.append(f"# {unit}Default: {variable.default or 'empty'}. Allowed: {kind.allowed}.")
        mark = "" if variable.name == "DISCORD_TOKEN" else "# "
        lines.append(f"{mark}{variable.name}={_quoted(variable.default)}")
    return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    return f'"{value}"' if " " in value else value


if __name__ == "__main__":
    sys.stdout.write(example())

"""Reads the settings, once at start, from the environment and `.env`."""

import io
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dotenv.parser import parse_stream

from bot.common.logs import redact
from bot.config.settings import Settings
from bot.config.variables import VARIABLES, Variable
from pipeline.errors import EkakiError

DOTENV = Path(".env")


class SettingsError(EkakiError):
    """A setting has a wrong value. `data["name"]` is the variable, `data["allowed"]` its range."""


def load(env: Mapping[str, str] | None = None, dotenv: Path | None = DOTENV) -> Settings:
    """Read `env` (None: the process's environment) over the file `dotenv` (may be absent).

    Raises SettingsError for the first variable that is wrong.
    """
    found, errors = read(sources(env, dotenv))
    if errors:
        raise errors[0]
    return found


def sources(env: Mapping[str, str] | None, dotenv: Path | None) -> dict[str, str]:
    """All variables that are set, ours or not: those of `env` over those of the file."""
    values = dotenv_variables(dotenv) if dotenv is not None else {}
    present = os.environ if env is None else env
    return values | {name: value for name, value in present.items() if value.strip()}


def dotenv_variables(path: Path) -> dict[str, str]:
    """The variables of a `.env` file; none if there is no file. SettingsError if the file or a line
    can't be read: its variables would otherwise be missing silently."""
    if not path.exists():
        return {}
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError("settings_file", name=str(path)) from error
    # The parser alone: no interpolation, so a `$` in a value is a `$`.
    values: dict[str, str] = {}
    for line in parse_stream(io.StringIO(text)):
        if line.error:
            raise SettingsError("settings_line", name=str(path), line=line.original.line)
        if line.key is not None and line.value is not None:
            values[line.key] = line.value
    return values


def read(values: Mapping[str, str]) -> tuple[Settings, list[SettingsError]]:
    """The settings and everything wrong with them; an invalid one has its default."""
    parsed: dict[str, Any] = {}
    errors: list[SettingsError] = []
    for variable in VARIABLES:
        typed = values.get(variable.name, "").strip()
        if not typed:
            continue
        try:
            parsed[variable.field] = variable.kind.parse(typed)
        except (ValueError, RuntimeError):  # RuntimeError: `~` of a user who has no home
            errors.append(_wrong(variable, typed))
    settings = Settings(**parsed)
    if "default_steps" not in parsed:  # lowering only MAX_STEPS must lower this as well
        settings = replace(settings, default_steps=min(settings.default_steps, settings.max_steps))
    if settings.default_steps > settings.max_steps:
        errors.append(
            SettingsError(
                "setting_wrong",
                name="DEFAULT_STEPS",
                value=settings.default_steps,
                allowed=f"at most MAX_STEPS, which is {settings.max_steps}",
            )
        )
    return settings, errors


def _wrong(variable: Variable, typed: str) -> SettingsError:
    shown = redact(typed)  # a token that was pasted into another variable's line
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return SettingsError(
        "setting_wrong", name=variable.name, value=shown, allowed=variable.kind.allowed
    )

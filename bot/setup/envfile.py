"""Changes single variables of a `.env` file and leaves the rest of it as it is."""

import io
import re
from pathlib import Path

from dotenv.parser import parse_stream

from bot.config.reading import SettingsError
from bot.config.variables import example
from data.store.private import write_durably
from pipeline.disk import disk_error


def store(path: Path, name: str, value: str) -> None:
    """Set `name` in the file at `path`, which is made from `.env.example` if there is none. Only
    its owner can read it afterwards. SettingsError, StorageError; the file is whole at any time."""
    try:
        target = path.resolve()  # a link stays one
        text = target.read_text(encoding="utf-8-sig") if target.exists() else example()
        write_durably(target, with_variable(text, name, value).encode())
        target.chmod(0o600)
    except UnicodeDecodeError as error:
        raise SettingsError("settings_file", name=str(path)) from error
    except OSError as error:
        raise disk_error(error, path) from error


def with_variable(text: str, name: str, value: str) -> str:
    """`text` with `name` set to `value`: where it is set already, or below its commented line, or
    at the end."""
    line = f"{name}={quoted(value)}\n"
    parts: list[str] = []
    replaced = False
    for found in parse_stream(io.StringIO(text)):
        said = found.original.string
        if found.key == name and not found.error:
            before = said[: len(said) - len(said.lstrip())]
            parts.append(before + ("" if replaced else line))
            replaced = True  # a second one would win over the first
        else:
            parts.append(said)
    made = "".join(parts)
    if replaced:
        return made
    commented = re.compile(rf"^#[ \t]*{re.escape(name)}=.*$\n?", re.MULTILINE)
    if commented.search(made):
        return commented.sub(lambda _: line, made, count=1)
    return made + ("" if not made or made.endswith("\n") else "\n") + line


def quoted(value: str) -> str:
    """As dotenv reads it back. ValueError for more than one line."""
    if len(value.splitlines()) > 1 or value.endswith(("\n", "\r")):
        raise ValueError("a value has one line")
    if re.fullmatch(r"[\w./:@,+-]*", value, re.ASCII):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"

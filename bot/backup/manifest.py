"""What a backup says about itself: pure text, parsed as if somebody hostile had written it.

A backup's folder has `manifest.json`, written last, which has the size and SHA-256 of each of its
other files. One of those lists the pictures, by folder and hash; another names those that could not
be copied.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, cast, get_args

from bot.common.jsontext import as_object, parsed

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
DATABASE: Final = "ekaki.db"
PICTURES: Final = "pictures.txt"
MISSING: Final = "missing.txt"
TAGS: Final = "tags.csv"
LORAS: Final = "loras.txt"

NEEDED: Final = frozenset({DATABASE, PICTURES, MISSING})
KNOWN: Final = NEEDED | {TAGS, LORAS}
"""The only names of files: a manifest can't lead anywhere else."""

MAX_MANIFEST_BYTES: Final = 64 * 1024  # ours has less than one
MAX_SIZE_BYTES: Final = 2**50
FOLDERS: Final = ("pictures", "uploads", "withheld")

Why = Literal["deleted", "lost", "damaged", "unreadable"]
"""Why a file that the database names is not in the backup: it was deleted while the backup was
made, it was not there, its content did not match its name, or it could not be read."""

_HASH: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_LORA: Final = re.compile(r"([0-9a-f]{64}) ([0-9]{1,16}) ([^/\\\x00-\x1f.][^/\\\x00-\x1f]{0,249})")
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
_TIMES: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_WORDS: Final = re.compile(r"[\w .+-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A file as it was written."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """`ekaki`: the version that made the backup. `schema`: the database's last migration. `number`:
    counts the backups of one folder and orders them, whatever the clock said. `created`: seconds
    since the epoch. `files`: by name, each of KNOWN."""

    ekaki: str
    schema: int
    number: int
    created: float
    files: Mapping[str, Stored]

    def to_json(self) -> str:
        """As it is stored."""
        values = {
            "format": FORMAT,
            "ekaki": self.ekaki,
            "schema": self.schema,
            "number": self.number,
            "created": datetime.fromtimestamp(self.created, UTC).strftime(_TIME),
            "files": {
                name: {"sha256": file.sha256, "size": file.size_bytes}
                for name, file in sorted(self.files.items())
            },
        }
        return json.dumps(values, indent=2) + "\n"

    @staticmethod
    def from_json(text: str) -> "Manifest":
        """Parse it. ValueError says what is wrong, in a few words."""
        values = as_object(parsed(text), "the manifest")
        if type(values.get("format")) is not int or values["format"] != FORMAT:  # nor true, 1.0
            raise ValueError(f"format {_shown(values.get('format'))} is not {FORMAT}")
        files = {
            _name(name): _stored(value)
            for name, value in as_object(values.get("files"), "files").items()
        }
        if absent := NEEDED - files.keys():
            raise ValueError(f"{min(absent)} is not listed")
        ekaki = values.get("ekaki")
        if not isinstance(ekaki, str) or not _WORDS.fullmatch(ekaki):
            raise ValueError("ekaki is no version")
        return Manifest(
            ekaki=ekaki,
            schema=_number(values.get("schema"), "schema"),
            number=_number(values.get("number"), "number"),
            created=_time(values.get("created")),
            files=files,
        )


@dataclass(frozen=True, slots=True, order=True)
class Listed:
    """A picture in the backup: `folder` is one of FOLDERS, its name is its SHA-256 (hex)."""

    folder: str
    content_hash: str
    size_bytes: int


@dataclass(frozen=True, slots=True, order=True)
class ListedLora:
    """A file of the library of LoRAs: its SHA-256 (hex), and its name there."""

    content_hash: str
    size_bytes: int
    name: str


@dataclass(frozen=True, slots=True, order=True)
class Missing:
    """A picture that the database names and the backup does not have."""

    folder: str
    content_hash: str
    why: Why


def list_text(listed: Iterable[Listed]) -> str:
    """PICTURES: `folder hash size` in each line, in order."""
    return "".join(
        f"{each.folder} {each.content_hash} {each.size_bytes}\n" for each in sorted(listed)
    )


def read_list(text: str) -> list[Listed]:
    """Parse PICTURES. ValueError names the first line that is wrong."""
    return [
        Listed(folder, content_hash, _number(int(size) if _is_whole(size) else None, "a size"))
        for folder, content_hash, size in _lines(text)
    ]


def loras_text(listed: Iterable[ListedLora]) -> str:
    """LORAS: `hash size name` in each line, in order."""
    return "".join(
        f"{each.content_hash} {each.size_bytes} {each.name}\n" for each in sorted(listed)
    )


def read_loras(text: str) -> list[ListedLora]:
    """Parse LORAS. ValueError names the first line that is wrong."""
    found: list[ListedLora] = []
    for number, line in enumerate(text.split("\n")[:-1], 1):
        match = _LORA.fullmatch(line)
        if match is None:
            raise ValueError(f"line {number} can't be read")
        found.append(ListedLora(match[1], _number(int(match[2]), "a size"), match[3]))
    if text and not text.endswith("\n"):
        raise ValueError("the last line is cut off")
    return found


def missing_text(missing: Iterable[Missing]) -> str:
    """MISSING: `folder hash why` in each line, in order."""
    return "".join(f"{each.folder} {each.content_hash} {each.why}\n" for each in sorted(missing))


def read_missing(text: str) -> list[Missing]:
    """Parse MISSING. ValueError names the first line that is wrong."""
    found: list[Missing] = []
    for folder, content_hash, why in _lines(text):
        if why not in get_args(Why):
            raise ValueError(f"{_shown(why)} is no reason")
        found.append(Missing(folder, content_hash, cast("Why", why)))
    return found


def _lines(text: str) -> Iterable[tuple[str, str, str]]:
    for number, line in enumerate(text.split("\n")[:-1] if text else [], 1):
        folder, _, rest = line.partition(" ")
        content_hash, _, last = rest.partition(" ")
        if folder not in FOLDERS or not _HASH.fullmatch(content_hash):
            raise ValueError(f"line {number} can't be read")
        yield folder, content_hash, last
    if text and not text.endswith("\n"):
        raise ValueError("the last line is cut off")


def _name(name: str) -> str:
    if name not in KNOWN:
        raise ValueError(f"{_shown(name)} is no file of a backup")
    return name


def _stored(value: object) -> Stored:
    values = as_object(value, "a file")
    sha256 = values.get("sha256")
    if not isinstance(sha256, str) or not _HASH.fullmatch(sha256):
        raise ValueError("a checksum is no SHA-256")
    return Stored(sha256=sha256, size_bytes=_number(values.get("size"), "a size"))


def _number(value: object, what: str) -> int:
    if type(value) is not int or not 0 <= value <= MAX_SIZE_BYTES:
        raise ValueError(f"{what} is no number from 0 to 2^50")
    return value


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_SIZE_BYTES))


def _time(value: object) -> float:
    if not isinstance(value, str) or not _TIMES.fullmatch(value):
        raise ValueError("created is no time")
    try:
        return datetime.fromisoformat(value).timestamp()
    except ValueError as error:
        raise ValueError("created is no time") from error


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else f"{shown[:37]}..."

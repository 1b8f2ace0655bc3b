"""Parses the text of variables, and describes the allowed values."""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, get_args, get_origin
from urllib.parse import urlsplit

from bot.common.hours import Hours, zone_of
from bot.common.secret import Secret
from data.store.ids import snowflake
from pipeline.aspect import BUCKETS, parse_aspect
from pipeline.errors import InputError
from pipeline.model.options import is_repository

SHIPPED_MODEL: Final = "demo"
"""The small model in the package."""

_PORTS: Final = {"http": 80, "https": 443}
_LOOPBACK = re.compile(r"http://(localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::(\d{1,5}))?(?:/api)?/?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Turns text into a value. `parse` raises ValueError; `allowed` describes what it accepts."""

    allowed: str
    parse: Callable[[str], object]
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A section of `.env.example` starts with this variable."""

    title: str


def kind_of(annotation: object) -> Kind:
    """The kind of a field of `Settings`: the one in its annotation, or that of its type."""
    bare = annotation
    if get_origin(annotation) is Annotated:
        bare, *beside = get_args(annotation)
        for each in beside:
            if isinstance(each, Kind):
                return each
    if bare is bool:
        return switch
    if isinstance(bare, type) and issubclass(bare, StrEnum):
        return member(bare)
    return one_of(*get_args(bare))


def kind(allowed: str) -> Callable[[Callable[[str], object]], Kind]:
    """Makes a kind from the function that parses its text."""
    return lambda parse: Kind(allowed=allowed, parse=parse)


def text(allowed: str = "any text") -> Kind:
    """Text as it is."""
    return Kind(allowed=allowed, parse=str)


def secret(allowed: str, *, at_least: int = 0) -> Kind:
    """Text that is never shown, of `at_least` so many characters."""

    def parse(typed: str) -> Secret:
        if len(typed) < at_least:
            raise ValueError("too short")
        return Secret(typed)

    return Kind(allowed=allowed, parse=parse)


def whole(low: int, high: int, *, unit: str = "", zero: str = "") -> Kind:
    """A whole number. `zero` says what 0 means where it is special."""

    def parse(typed: str) -> int:
        value = int(typed) if re.fullmatch(r"[+-]?\d{1,18}", typed, re.ASCII) else None
        if value is None or not low <= value <= high:
            raise ValueError(typed)
        return value

    note = f"; 0 = {zero}" if zero else ""
    return Kind(allowed=f"a whole number, {low} to {high}{note}", parse=parse, unit=unit)


def threads() -> Kind:
    """How many threads; None for 0."""
    count = whole(0, 1024, unit="threads", zero="chosen for this machine")
    parse = count.parse
    return Kind(allowed=count.allowed, parse=lambda typed: parse(typed) or None, unit=count.unit)


@kind("whole numbers, 0 to 63, each once, separated by commas")
def devices(typed: str) -> tuple[int, ...]:
    """Numbers of cards, each once, in the given order."""
    one = whole(0, 63)
    found = [one.parse(part) for part in re.split(r"\s*,\s*", typed)]
    numbers = tuple(part for part in found if isinstance(part, int))
    if len(set(numbers)) != len(numbers):
        raise ValueError(typed)
    return numbers


def number(low: float, high: float, *, unit: str = "") -> Kind:
    """A finite number with a decimal point."""

    def parse(typed: str) -> float:
        value = float(typed)
        if not low <= value <= high:  # also False for nan
            raise ValueError(typed)
        return value

    return Kind(allowed=f"a number, {low:g} to {high:g}", parse=parse, unit=unit)


_ON: Final = frozenset({"yes", "true", "on", "1"})
_OFF: Final = frozenset({"no", "false", "off", "0"})


@kind("yes or no")
def switch(typed: str) -> bool:
    """Yes or no."""
    if typed.lower() not in _ON | _OFF:
        raise ValueError(typed)
    return typed.lower() in _ON


def one_of(*words: str) -> Kind:
    """One of some words, in any case; returns the word as spelled here."""
    known = {word.lower(): word for word in words}

    def parse(typed: str) -> str:
        if typed.lower() not in known:
            raise ValueError(typed)
        return known[typed.lower()]

    return Kind(allowed="one of: " + ", ".join(words), parse=parse)


def member(names: type[StrEnum]) -> Kind:
    """A member of a closed set, by its visible name in any case."""
    words = one_of(*names)
    return Kind(allowed=words.allowed, parse=lambda typed: names(str(words.parse(typed))))


@kind("a folder, relative to where the bot is started")
def folder(typed: str) -> Path:
    """A path; `~` is the home folder, relative paths start in the current folder."""
    if "\0" in typed:
        raise ValueError(typed)
    return Path(typed).expanduser()


@kind("a folder, relative to where the bot is started")
def folder_or_none(typed: str) -> str:
    """The same as text, for a folder that may be left out."""
    return str(folder.parse(typed))


@kind("a file, relative to where the bot is started")
def file_or_none(typed: str) -> str:
    """A path as text, for a file that may be left out."""
    return str(folder.parse(typed))


@kind("a folder in diffusers' layout, OWNER/NAME on the Hugging Face hub, or demo")
def model(typed: str) -> str:
    """A folder, a repository of the Hugging Face hub, or the shipped model."""
    if typed == SHIPPED_MODEL:
        return typed
    looks_like_path = typed.startswith((".", "/", "~")) or Path(typed).is_dir()
    if looks_like_path:
        return str(Path(typed).expanduser())
    if not is_repository(typed):
        raise ValueError(typed)
    return typed


@kind("auto, off, or a file of a cascade in OpenCV's XML")
def faces(typed: str) -> str:
    """`auto`, `off` or a file."""
    if typed.lower() in {"auto", "off"}:
        return typed.lower()
    if not typed.startswith((".", "/", "~")) and not Path(typed).is_file():
        raise ValueError(typed)
    return str(Path(typed).expanduser())


@kind("auto, off, or a folder with model.onnx and selected_tags.csv")
def tagger(typed: str) -> str:
    """`auto`, `off` or a folder."""
    if typed.lower() in {"auto", "off"}:
        return typed.lower()
    if not typed.startswith((".", "/", "~")) and not Path(typed).is_dir():
        raise ValueError(typed)
    return str(Path(typed).expanduser())


@kind("one of: " + ", ".join(bucket.ratio for bucket in BUCKETS))
def aspect(typed: str) -> str:
    """An aspect ratio as users type it."""
    try:
        parse_aspect(typed)
    except InputError as error:
        raise ValueError(typed) from error
    return typed


@kind("times of the day and days, as 22:00-08:00,sat,sun or mon-fri 18:30-24:00")
def hours(typed: str) -> Hours:
    """Hours of the week."""
    return Hours.parse(typed)


@kind("the name of a time zone, as Europe/Berlin")
def time_zone(typed: str) -> str:
    """A time zone that is known here."""
    zone_of(typed)
    return typed


@kind("Discord user ids, separated by commas")
def ids(typed: str) -> frozenset[int]:
    """Discord ids, separated by commas or spaces."""
    found = [snowflake(part) for part in re.split(r"[,\s]+", typed) if part]
    known = frozenset(part for part in found if part)
    if not all(found):
        raise ValueError(typed)
    return known


@kind("an http address of this machine, as http://127.0.0.1:8080")
def loopback_url(typed: str) -> str:
    """An http address of this machine and no other: the token goes there."""
    match = _LOOPBACK.fullmatch(typed)
    if match is None or int(match[2] or 80) > 65535:
        raise ValueError(typed)
    if match[1].startswith("127."):
        ipaddress.IPv4Address(match[1])
    return typed.rstrip("/").removesuffix("/api")


@kind("a link, as https://example.org/ekaki")
def web_address(typed: str) -> str:
    """A public link shown to people."""
    if re.fullmatch(r"https?://[^\s<>]+", typed) is None:
        raise ValueError(typed)
    return typed


@kind("an address without a path, as https://gallery.example.org")
def origin(typed: str) -> str:
    """A public address without a path, as browsers send it, for comparing."""
    if re.fullmatch(r"https?://[\w.\[\]:-]+/?", typed, re.IGNORECASE) is None:
        raise ValueError(typed)
    parts = urlsplit(typed)  # ValueError, as the port's and the host's
    host = (parts.hostname or "").encode("idna").decode()
    if not host:
        raise ValueError(typed)
    port = f":{parts.port}" if parts.port not in {None, _PORTS[parts.scheme]} else ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


@kind("an address and a port, as 127.0.0.1:8090")
def listening(typed: str) -> str:
    """Where to listen: `HOST:PORT`; of IPv6 `[::1]:PORT`."""
    match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[\w.-]+):(\d{1,5})", typed)
    if match is None or int(match[2]) > 65535:
        raise ValueError(typed)
    return typed


@kind("an address and a port, as 10.0.0.5:6379")
def reachable(typed: str) -> str:
    """Where others connect: as `listening`, without port 0, which stands for any free one."""
    if str(listening.parse(typed)).endswith(":0"):
        raise ValueError(typed)
    return typed


@kind("a port on this machine, as 9464, or an address and a port, as 10.0.0.5:9464")
def listening_here(typed: str) -> str:
    """Where to listen: `PORT` on the loopback address, or as `listening`."""
    return str(listening.parse(f"127.0.0.1:{typed}" if typed.isdecimal() else typed))

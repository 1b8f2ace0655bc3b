"""How the text of a variable becomes a value, and what it may be, in words."""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, get_args, get_origin
from urllib.parse import urlsplit

from bot.common.secret import Secret
from data.store.ids import snowflake
from pipeline.aspect import BUCKETS, parse_aspect
from pipeline.errors import InputError
from pipeline.model.options import is_repository

SHIPPED_MODEL: Final = "demo"
"""The small model that lies in the package."""

_PORTS: Final = {"http": 80, "https": 443}
_LOOPBACK = re.compile(r"http://(localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::(\d{1,5}))?(?:/api)?/?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How a text becomes a value. `parse` raises ValueError; `allowed` says what it takes."""

    allowed: str
    parse: Callable[[str], object]
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """With this variable a section of `.env.example` begins."""

    title: str


def kind_of(annotation: object) -> Kind:
    """What a field of `Settings` takes: the kind that stands in its annotation, or its type."""
    bare = annotation
    if get_origin(annotation) is Annotated:
        bare, *beside = get_args(annotation)
        for each in beside:
            if isinstance(each, Kind):
                return each
    if bare is bool:
        return switch()
    if isinstance(bare, type) and issubclass(bare, StrEnum):
        return member(bare)
    return one_of(*get_args(bare))


def text(allowed: str = "any text") -> Kind:
    """Text as it is."""
    return Kind(allowed=allowed, parse=str)


def secret(allowed: str) -> Kind:
    """Text that is never shown."""
    return Kind(allowed=allowed, parse=Secret)


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


def devices() -> Kind:
    """Numbers of cards, each once, in the order in which they are told apart."""

    def parse(typed: str) -> tuple[int, ...]:
        one = whole(0, 63)
        found = [one.parse(part) for part in re.split(r"\s*,\s*", typed)]
        numbers = tuple(part for part in found if isinstance(part, int))
        if len(set(numbers)) != len(numbers):
            raise ValueError(typed)
        return numbers

    return Kind(allowed="whole numbers, 0 to 63, each once, separated by commas", parse=parse)


def number(low: float, high: float, *, unit: str = "") -> Kind:
    """A number, finite, with a decimal point."""

    def parse(typed: str) -> float:
        value = float(typed)
        if not low <= value <= high:  # also False for nan
            raise ValueError(typed)
        return value

    return Kind(allowed=f"a number, {low:g} to {high:g}", parse=parse, unit=unit)


def switch() -> Kind:
    """Yes or no."""
    words = {"yes": True, "true": True, "on": True, "1": True}
    words |= {"no": False, "false": False, "off": False, "0": False}

    def parse(typed: str) -> bool:
        if typed.lower() not in words:
            raise ValueError(typed)
        return words[typed.lower()]

    return Kind(allowed="yes or no", parse=parse)


def one_of(*words: str) -> Kind:
    """One of some words, in any case; returns the word as it is written here."""
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


def folder() -> Kind:
    """A path; `~` is the home folder, relative paths start where the bot is started."""

    def parse(typed: str) -> Path:
        if "\0" in typed:
            raise ValueError(typed)
        return Path(typed).expanduser()

    return Kind(allowed="a folder, relative to where the bot is started", parse=parse)


def model() -> Kind:
    """A folder, a repository of the Hugging Face hub, or the shipped model."""

    def parse(typed: str) -> str:
        if typed == SHIPPED_MODEL:
            return typed
        looks_like_path = typed.startswith((".", "/", "~")) or Path(typed).is_dir()
        if looks_like_path:
            return str(Path(typed).expanduser())
        if not is_repository(typed):
            raise ValueError(typed)
        return typed

    allowed = "a folder in diffusers' layout, OWNER/NAME on the Hugging Face hub, or demo"
    return Kind(allowed=allowed, parse=parse)


def tagger() -> Kind:
    """`auto`, `off` or a folder."""

    def parse(typed: str) -> str:
        if typed.lower() in {"auto", "off"}:
            return typed.lower()
        if not typed.startswith((".", "/", "~")) and not Path(typed).is_dir():
            raise ValueError(typed)
        return str(Path(typed).expanduser())

    allowed = "auto, off, or a folder with model.onnx and selected_tags.csv"
    return Kind(allowed=allowed, parse=parse)


def aspect() -> Kind:
    """An aspect ratio as users type it."""

    def parse(typed: str) -> str:
        try:
            parse_aspect(typed)
        except InputError as error:
            raise ValueError(typed) from error
        return typed

    return Kind(allowed="one of: " + ", ".join(bucket.ratio for bucket in BUCKETS), parse=parse)


def ids() -> Kind:
    """Discord ids, separated by commas or spaces."""

    def parse(typed: str) -> frozenset[int]:
        found = [snowflake(part) for part in re.split(r"[,\s]+", typed) if part]
        known = frozenset(part for part in found if part)
        if not all(found):
            raise ValueError(typed)
        return known

    return Kind(allowed="Discord user ids, separated by commas", parse=parse)


def loopback_url() -> Kind:
    """An http address of this machine and no other: the token goes there."""

    def parse(typed: str) -> str:
        match = _LOOPBACK.fullmatch(typed)
        if match is None or int(match[2] or 80) > 65535:
            raise ValueError(typed)
        if match[1].startswith("127."):
            ipaddress.IPv4Address(match[1])
        return typed.rstrip("/").removesuffix("/api")

    allowed = "an http address of this machine, as http://127.0.0.1:8080"
    return Kind(allowed=allowed, parse=parse)


def web_address() -> Kind:
    """A public link shown to people."""

    def parse(typed: str) -> str:
        if re.fullmatch(r"https?://[^\s<>]+", typed) is None:
            raise ValueError(typed)
        return typed

    return Kind(allowed="a link, as https://example.org/ekaki", parse=parse)


def origin() -> Kind:
    """A public address without a path, as browsers write it: they send it, and it is compared."""

    def parse(typed: str) -> str:
        if re.fullmatch(r"https?://[\w.\[\]:-]+/?", typed, re.IGNORECASE) is None:
            raise ValueError(typed)
        parts = urlsplit(typed)  # ValueError, as the port's and the host's
        host = (parts.hostname or "").encode("idna").decode()
        if not host:
            raise ValueError(typed)
        port = f":{parts.port}" if parts.port not in {None, _PORTS[parts.scheme]} else ""
        return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"

    return Kind(allowed="an address without a path, as https://gallery.example.org", parse=parse)


def listening() -> Kind:
    """Where to listen: `HOST:PORT`; of IPv6 `[::1]:PORT`."""

    def parse(typed: str) -> str:
        match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[\w.-]+):(\d{1,5})", typed)
        if match is None or int(match[2]) > 65535:
            raise ValueError(typed)
        return typed

    return Kind(allowed="an address and a port, as 127.0.0.1:8090", parse=parse)

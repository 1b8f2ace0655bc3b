"""Formats numbers, times and people's texts for Discord. Pure."""

import math
import re
from collections.abc import Iterable
from unicodedata import east_asian_width

from discord.utils import escape_markdown, escape_mentions

from data.shipped.text import text
from pipeline.card import Speed

_MINUTE_S = 60
_HOUR_S = 3600
_DAY_S = 86400
_BAR_CELLS = 12
_FULL_WIDTH_ENDS = ("。", "！", "？")
_LINK = re.compile(r":(?=//)|(?<=\.gg)/|(?<=\.com)/", re.IGNORECASE)


def duration(seconds: float) -> str:
    """`40 seconds`, `12 minutes`, `3 hours`: rounded up, so that nobody comes too early."""
    for unit, length_s, until_s in (
        ("second", 1, 90),
        ("minute", _MINUTE_S, 90 * _MINUTE_S),
        ("hour", _HOUR_S, 2 * _DAY_S),
        ("day", _DAY_S, math.inf),
    ):
        if seconds <= until_s:
            count = max(1, math.ceil(seconds / length_s))
            return text(f"words.{unit}_one" if count == 1 else f"words.{unit}s", count=count)
    return text("words.very_long")


def sentences(*parts: str) -> str:
    """One after the other. The full stop of Japanese needs no space behind it."""
    said = ""
    for part in filter(None, parts):
        said += f" {part}" if said and not said.endswith(_FULL_WIDTH_ENDS) else part
    return said


def moment(epoch_s: float) -> str:
    """A time that Discord's client counts down to in the reader's language."""
    return f"<t:{math.ceil(epoch_s)}:R>"


def date(epoch_s: float) -> str:
    """Day and time, which Discord's client shows in the reader's time zone."""
    return f"<t:{math.ceil(epoch_s)}:f>"


def number(value: float) -> str:
    """`7`, `6.5`: without trailing zeros."""
    return f"{value:g}"


def short(value: float) -> float | str:
    """A whole number as it is, for words that depend on it; another as `number`."""
    return value if isinstance(value, int) else number(value)


def watt_hours(value: float) -> str:
    """With two digits that say something: `0.042`, `1.3`, `12`."""
    digits = 2 - max(-3, math.floor(math.log10(value)) + 1) if value > 0 else 0
    return f"{value:.{max(0, digits)}f}"


def size(size_bytes: float) -> str:
    """`1.4 GiB`."""
    if size_bytes < 1024:
        return text("words.bytes", count=number(round(size_bytes, 1)))
    for unit in ("KiB", "MiB", "GiB"):
        size_bytes /= 1024
        if size_bytes < 1024:
            return f"{size_bytes:.1f} {unit}".replace(".0 ", " ")
    size_bytes /= 1024
    return f"{size_bytes:.1f} TiB"


def listed(names: Iterable[object]) -> str:
    """`a, b and c`."""
    words = [str(name) for name in names]
    if len(words) < 2:
        return "".join(words)
    return text("words.listed", first=text("words.comma").join(words[:-1]), last=words[-1])


def cut(text: str, length: int) -> str:
    """`text` on one line, at most `length` characters, with an ellipsis if it was cut."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def cut_to_columns(text: str, columns: int) -> str:
    """As `cut`, for a width: characters of Chinese, Japanese and Korean take two columns."""
    line = " ".join(text.split())
    taken = 0
    for end, character in enumerate(line):
        taken += 2 if east_asian_width(character) in {"W", "F"} else 1
        if taken > columns:
            return line[: max(0, end - 1)].rstrip(", ") + "…"
    return line


def quoted(text: str, length: int = 700) -> str:
    """What a person typed, cut for display, with Discord's markup escaped.

    At most about twice `length` characters long, as each may need a backslash.
    """
    return harmless(cut(text, length))


def harmless(text: str) -> str:
    """`text` with Discord's markup escaped, and links, which Discord would add a preview of."""
    plain = _LINK.sub(r"\\\g<0>", escape_markdown(text, ignore_links=False))
    return escape_mentions(plain).replace("<", "\\<")


def outside_code(text: str) -> str:
    """Escape everything outside backticks: our own texts with data in them."""
    parts = text.split("`")
    parts[::2] = [escape_mentions(escape_markdown(part)) for part in parts[::2]]
    return "`".join(parts)


def bar(share: float) -> str:
    """A progress bar for a share of 0 to 1; only 1 fills it."""
    full = round(max(0.0, min(1.0, share)) * _BAR_CELLS)
    if share < 1:
        full = min(full, _BAR_CELLS - 1)
    return "▰" * full + "▱" * (_BAR_CELLS - full)


def code_block(copied: str) -> str:
    """`copied` as a code block, which nothing in it can end."""
    inside = copied.replace("```", "'''")
    return f"```\n{inside}\n```"


def speed_words(speed: Speed) -> str:
    """`Draft`; "" for pictures at full speed, which most are."""
    return "" if speed is Speed.FULL else text(f"speed.{speed}")

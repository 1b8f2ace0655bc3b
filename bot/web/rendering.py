"""Templates and static files: read once, with texts of the catalogue in the reader's language."""

import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast

from jinja2 import Environment, PackageLoader, StrictUndefined

from data.files.thumbnails import WIDTHS
from data.gallery.entries import Entry
from data.shipped.text import text
from pipeline.prompt.flags import cut_foreign_flags

STATIC: Final = Path(__file__).parent / "static"
KINDS: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

_SPAN_UNITS: Final = 20  # grid rows for the width of a column, see style.css
_SPANS: Final = (8, 60)
_ALT_CHARACTERS: Final = 160


class Static:
    """The static files under names that change with their content, for browsers' caches."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[bytes, str]] = {}
        self._names: dict[str, str] = {}
        for path in sorted(STATIC.iterdir()):
            if path.suffix in KINDS:
                body = path.read_bytes()
                name = f"{path.stem}.{hashlib.sha256(body).hexdigest()[:12]}{path.suffix}"
                self.files[name] = (body, KINDS[path.suffix])
                self._names[path.name] = name

    def address(self, name: str) -> str:
        """The current address of the file `name`."""
        return f"/static/{self._names[name]}"


class Pages:
    """Renders templates. `origin`: the page's own address, for links from outside."""

    def __init__(self, *, static: Static, origin: str, always: dict[str, Any]) -> None:
        self._environment = Environment(
            loader=PackageLoader("bot.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        known = cast("dict[str, Any]", self._environment.globals)
        known.update(
            t=text, static=static.address, origin=origin, day=_day, minute=_minute, iso=_iso,
            srcset=_srcset, span=_span, alt=alt, **always,
        )  # fmt: skip

    def render(self, name: str, **values: object) -> bytes:
        """The page `name` in the current language."""
        return self._environment.get_template(name).render(**values).encode()


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"


def _minute(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _srcset(entry: Entry) -> str:
    """All copies with the width that each really has."""
    smaller = [width for width in WIDTHS if width < entry.width]
    listed = [f"/i/{entry.id}/{width}.webp {width}w" for width in smaller]
    if len(smaller) < len(WIDTHS):
        listed.append(f"/i/{entry.id}/{WIDTHS[len(smaller)]}.webp {entry.width}w")
    return ", ".join(listed)


def _span(entry: Entry) -> int:
    """How many rows of the grid the picture takes."""
    low, high = _SPANS
    return max(low, min(high, round(_SPAN_UNITS * entry.height / entry.width)))


def alt(words: str, characters: int = _ALT_CHARACTERS) -> str:
    """The alternative text of a picture: as many tags of its prompt as fit. Empty if `words` has
    none. Flags of other programs, which may name files, are left out."""
    parts = (cut_foreign_flags(part)[0] for part in _BETWEEN_TAGS.split(words))
    tags = [tag for part in parts if (tag := " ".join(part.split()))]
    said = ", ".join(tags)
    if len(said) <= characters:
        return said
    return said[:characters].rpartition(", ")[0] or said[:characters]


_BETWEEN_TAGS: Final = re.compile(r"[,\n、，]+")  # also as Japanese keyboards write them

"""Reads tag lists in common CSV formats.

Two are read: tagcomplete (no header: `name,category,count,"alias,alias"`), and lists whose header
names at least the column of names, such as hanatsumi's
(`id,name,post_count,category,is_deprecated,...`). Commas, semicolons or tabs part the columns; a
byte order mark is skipped.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from pipeline.tag_category import TagCategory
from pipeline.tags.tag import Tag, display_name

MAX_NAME: Final = 255  # characters; Danbooru allows 170
_MAX_COUNT: Final = 2**32 - 1
_TRUE: Final = frozenset({"true", "t", "1", "yes"})
_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "name": ("name", "tag", "tag_name", "tagname"),
    "category": ("category", "type", "tag_category"),
    "count": ("post_count", "count", "posts", "postcount"),
    "aliases": ("aliases", "alias", "alternatives"),
    "deprecated": ("is_deprecated",),
}
"""What a header may call the columns, the likeliest first."""

_TAGCOMPLETE: Final = {"name": 0, "category": 1, "count": 2, "aliases": 3}
_DELIMITERS: Final = ",;\t"

OnSkip = Callable[[int, str], None]
"""Called for each line that is left out, with its number, from 1, and the reason."""


def parse_tag_csv(
    lines: Iterable[str], on_skip: OnSkip = lambda _line, _why: None
) -> Iterator[Tag]:
    """The tags in `lines`, in order. Deprecated ones and empty lines are left out.

    An unreadable line is also left out, and `on_skip` is called. Each line is parsed separately, so
    an unclosed quote affects no other line.
    """
    columns: Mapping[str, int] = _TAGCOMPLETE
    width, delimiter = 0, ""  # without a header `width` stays 0
    for number, line in enumerate(lines, 1):
        text = line.removeprefix("\ufeff") if number == 1 else line
        if not text.strip(" \r\n\t,;"):
            continue
        try:
            if not delimiter:
                delimiter = "," if text.count(",") > 1 else max(_DELIMITERS, key=text.count)
                header = _header(cells := _cells(text, delimiter))
                if header is not None:
                    columns, width = header, len(cells)
                    continue
            tag = _tag(_cells(text, delimiter), columns, width)
        except ValueError as error:
            on_skip(number, str(error))
        else:
            if tag is not None:
                yield tag


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader((line,), delimiter=delimiter))
    except csv.Error as error:
        raise ValueError(str(error)) from error


def _header(row: Sequence[str]) -> dict[str, int] | None:
    """The columns if `row` is a header: it names the column of tags and contains no number."""
    names = [cell.strip().lower() for cell in row]
    places = {
        what: next((names.index(name) for name in wanted if name in names), None)
        for what, wanted in _COLUMNS.items()
    }
    if places["name"] is None or any(map(str.isdecimal, names)):
        return None
    return {what: place for what, place in places.items() if place is not None}


def _tag(row: Sequence[str], columns: Mapping[str, int], width: int) -> Tag | None:
    """The tag in `row`; None for a deprecated one. Missing cells of a short row count as empty,
    unlike a missing column."""
    if width and len(row) > width:
        raise ValueError(f"{len(row)} columns, the header has {width}")
    if not width and not 3 <= len(row) <= 4:
        raise ValueError(f"{len(row)} columns instead of name, category, count, aliases")
    cells = {what: row[at] if at < len(row) else "" for what, at in columns.items()}
    if cells.get("deprecated", "").strip().lower() in _TRUE:
        return None
    return Tag(
        name=_name(cells["name"]),
        category=_category(cells.get("category", "0")),
        count=_count(cells.get("count", "0")),
        aliases=_aliases(cells.get("aliases", "")),
    )


def _name(text: str) -> str:
    name = display_name(text)
    if not name:
        raise ValueError("the name is empty")
    if len(name) > MAX_NAME:
        raise ValueError(f"the name has more than {MAX_NAME} characters")
    if any(map(_is_broken, name)):
        raise ValueError("the name is not UTF-8")
    if not name.isprintable():
        raise ValueError("the name holds control characters")
    return name


def _category(text: str) -> TagCategory:
    word = text.strip().upper()
    if word in TagCategory.__members__:
        return TagCategory[word]
    try:
        return TagCategory(int(text))
    except ValueError:
        known = ", ".join(f"{each.value} {each.name.lower()}" for each in TagCategory)
        raise ValueError(f"the category is {text[:20]!r}, not one of {known}") from None


def _count(text: str) -> int:
    if not text.strip().isdecimal():
        raise ValueError(f"the count is {text[:20]!r}, not a whole number")
    return min(int(text[:20]), _MAX_COUNT)


def _aliases(text: str) -> tuple[str, ...]:
    """Aliases starting with `/` are shortcuts: the slash only marks them."""
    names = (display_name(alias.strip().removeprefix("/")) for alias in text.split(","))
    return tuple(
        dict.fromkeys(
            name
            for name in names
            if name and len(name) <= MAX_NAME and not any(map(_is_broken, name))
        )
    )


def _is_broken(letter: str) -> bool:
    """Whether it represents bytes that are not UTF-8 (Python's `surrogateescape`)."""
    return "\ud800" <= letter <= "\udfff"

"""The CSV files in which people pass tag lists around.

Two are read: tagcomplete (no header: `name,category,count,"alias,alias"`), and lists whose header
names at least the column of names, such as hanatsumi's
(`id,name,post_count,category,is_deprecated,...`). Commas, semicolons or tabs part the columns; a
byte order mark is skipped.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from pipeline.tag_category import TagCategory
from pipeline.tags.tag import Tag, display_name

MAX_NAME: Final = 255  # characters; Danbooru allows 170
_MAX_COUNT: Final = 2**32 - 1
_TRUE: Final = frozenset({"true", "t", "1", "yes"})
_NAME_COLUMNS: Final = ("name", "tag", "tag_name", "tagname")
_CATEGORY_COLUMNS: Final = ("category", "type", "tag_category")
_COUNT_COLUMNS: Final = ("post_count", "count", "posts", "postcount")
_ALIAS_COLUMNS: Final = ("aliases", "alias", "alternatives")
_DELIMITERS: Final = ",;\t"

OnSkip = Callable[[int, str], None]
"""Told of each line that is left out: its number, from 1, and why."""


def parse_tag_csv(
    lines: Iterable[str], on_skip: OnSkip = lambda _line, _why: None
) -> Iterator[Tag]:
    """The tags in `lines`, in order. Deprecated ones and empty lines are left out.

    A line that can't be read is left out as well, and `on_skip` is told. Each line stands for
    itself: a quote that is never closed takes no other line with it.
    """
    columns: _Columns | None = None
    delimiter = ""
    for number, line in enumerate(lines, 1):
        text = line.removeprefix("\ufeff") if number == 1 else line
        if not text.strip(" \r\n\t,;"):
            continue
        try:
            if not delimiter:
                delimiter = "," if text.count(",") > 1 else max(_DELIMITERS, key=text.count)
                columns = _Columns.of(_cells(text, delimiter))
                if columns is not None:
                    continue
            cells = _cells(text, delimiter)
            tag = _tagcomplete(cells) if columns is None else columns.tag(cells)
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


def _tagcomplete(row: Sequence[str]) -> Tag:
    if not 3 <= len(row) <= 4:
        raise ValueError(f"{len(row)} columns instead of name, category, count, aliases")
    return _tag(row[0], row[1], row[2], row[3] if len(row) == 4 else "")


class _Columns:
    """Where a header says that things stand."""

    def __init__(self, names: Sequence[str]) -> None:
        self._width = len(names)
        self._name = _place(names, _NAME_COLUMNS)
        self._category = _place(names, _CATEGORY_COLUMNS)
        self._count = _place(names, _COUNT_COLUMNS)
        self._aliases = _place(names, _ALIAS_COLUMNS)
        self._deprecated = _place(names, ("is_deprecated",))

    @classmethod
    def of(cls, row: Sequence[str]) -> "_Columns | None":
        """The columns if `row` is a header: it names one of tags and holds no number."""
        names = [cell.strip().lower() for cell in row]
        is_header = any(name in _NAME_COLUMNS for name in names)
        return cls(names) if is_header and not any(map(str.isdecimal, names)) else None

    def tag(self, row: Sequence[str]) -> Tag | None:
        if len(row) > self._width:
            raise ValueError(f"{len(row)} columns, the header has {self._width}")
        if _cell(row, self._deprecated, "").strip().lower() in _TRUE:
            return None
        return _tag(
            _cell(row, self._name, ""),
            _cell(row, self._category, "0"),
            _cell(row, self._count, "0"),
            _cell(row, self._aliases, ""),
        )


def _place(names: Sequence[str], wanted: Sequence[str]) -> int | None:
    return next((names.index(name) for name in wanted if name in names), None)


def _cell(row: Sequence[str], place: int | None, missing: str) -> str:
    """What stands in a column. A row that is too short has nothing there, unlike `missing`: what
    the whole list has no column for."""
    if place is None:
        return missing
    return row[place] if place < len(row) else ""


def _tag(name: str, category: str, count: str, aliases: str) -> Tag:
    return Tag(
        name=_name(name),
        category=_category(category),
        count=_count(count),
        aliases=_aliases(aliases),
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
    """Aliases beginning with `/` are shortcuts: the stroke only sets them apart."""
    names = (display_name(alias.strip().removeprefix("/")) for alias in text.split(","))
    return tuple(
        dict.fromkeys(
            name
            for name in names
            if name and len(name) <= MAX_NAME and not any(map(_is_broken, name))
        )
    )


def _is_broken(letter: str) -> bool:
    """Whether it stands for bytes that are not UTF-8 (Python's `surrogateescape`)."""
    return "\ud800" <= letter <= "\udfff"

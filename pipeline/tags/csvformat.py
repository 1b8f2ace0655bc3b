"""The CSV files in which people pass tag lists around.

Two are read: tagcomplete (no header: `name,category,count,"alias,alias"`), and lists with a header
that names at least `name` and `category`, such as hanatsumi's
(`id,name,post_count,category,is_deprecated,...`). A byte order mark is skipped.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pipeline.errors import InputError
from pipeline.tags.category import TagCategory
from pipeline.tags.tag import Tag, display_name

MAX_NAME: Final = 255  # characters; Danbooru allows 170
_MAX_COUNT: Final = 2**32 - 1
_TRUE: Final = frozenset({"true", "t", "1", "yes"})
_COUNT_COLUMNS: Final = ("post_count", "count")
_ALIAS_COLUMNS: Final = ("aliases", "alias")


def parse_tag_csv(lines: Iterable[str]) -> Iterator[Tag]:
    """The tags in `lines`, in order. Deprecated ones and empty lines are left out.

    InputError("tags_csv_bad") names the first line that can't be read and why.
    """
    reader = csv.reader(_without_mark(lines), strict=True)
    columns: _Columns | None = None
    started = False
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _bad(reader.line_num, str(error)) from error
        if not any(cell.strip() for cell in row):
            continue
        if not started:
            started = True
            columns = _Columns.of(row)
            if columns is not None:
                continue
        try:
            tag = _tagcomplete(row) if columns is None else columns.tag(row)
        except ValueError as error:
            raise _bad(reader.line_num, str(error)) from error
        if tag is not None:
            yield tag


def _without_mark(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield line.removeprefix("\ufeff") if number == 0 else line


def _bad(line: int, reason: str) -> InputError:
    return InputError("tags_csv_bad", line=line, reason=reason)


def _tagcomplete(row: Sequence[str]) -> Tag:
    if not 3 <= len(row) <= 4:
        raise ValueError(f"{len(row)} columns instead of name, category, count, aliases")
    return _tag(row[0], row[1], row[2], row[3] if len(row) == 4 else "")


class _Columns:
    """Where a header says that things stand."""

    def __init__(self, names: list[str]) -> None:
        self._names = names

    @classmethod
    def of(cls, row: Sequence[str]) -> "_Columns | None":
        names = [cell.strip().lower() for cell in row]
        return cls(names) if {"name", "category"} <= set(names) else None

    def tag(self, row: Sequence[str]) -> Tag | None:
        if len(row) != len(self._names):
            raise ValueError(f"{len(row)} columns, the header has {len(self._names)}")
        cells = dict(zip(self._names, row, strict=True))
        if cells.get("is_deprecated", "").strip().lower() in _TRUE:
            return None
        count = next((cells[name] for name in _COUNT_COLUMNS if name in cells), "0")
        aliases = next((cells[name] for name in _ALIAS_COLUMNS if name in cells), "")
        return _tag(cells["name"], cells["category"], count, aliases)


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
    if not name.isprintable():
        raise ValueError("the name holds control characters")
    return name


def _category(text: str) -> TagCategory:
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
    return tuple(dict.fromkeys(name for name in names if name and len(name) <= MAX_NAME))

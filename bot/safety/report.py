"""The tables of docs/moderation.md, made from the code: `python -m bot.safety.report [TAGS.csv]`.

Without a tag list it prints the ceiling table; with one also what the rules refuse of it.
"""

import csv
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from bot.safety.ceiling import Place, PlaceKind, effective_ceiling
from bot.safety.rules import Violation, check_prompt
from pipeline.rating import Rating

_PLACES: tuple[tuple[str, Place, bool], ...] = (
    ("direct message", Place(kind=PlaceKind.DM), True),
    ("unknown place", Place(kind=PlaceKind.UNKNOWN), True),
    ("channel or thread", Place(kind=PlaceKind.GUILD_TEXT), True),
    (
        "age-restricted channel or thread, no output check",
        Place(kind=PlaceKind.GUILD_TEXT, age_restricted=True),
        False,
    ),
    (
        "age-restricted channel or thread, output check loaded",
        Place(kind=PlaceKind.GUILD_TEXT, age_restricted=True),
        True,
    ),
)
_BATCH = 50  # tags checked in one prompt; only a batch with a refusal is checked tag by tag


def ceiling_table() -> str:
    """Place x setting x requested rating -> ceiling, as a Markdown table. The setting is the lower
    of the server's and the channel's, if both are set."""
    ratings = " | ".join(rating.label for rating in Rating)
    lines = [
        f"| place | setting | highest rating | {ratings} | why |",
        "|---|---|---|" + ":-:|" * len(Rating) + "---|",
    ]
    for name, place, output_check in _PLACES:
        for setting in (None, *Rating):
            ceiling = effective_ceiling(
                place=place,
                guild_ceiling=setting,
                channel_ceiling=None,
                output_check=output_check,
            )
            label = "not set" if setting is None else setting.label
            cells = " | ".join("yes" if request <= ceiling.rating else "no" for request in Rating)
            why = str(ceiling.reason).replace("_", " ")
            lines.append(f"| {name} | {label} | {ceiling.rating.label} | {cells} | {why} |")
    return "\n".join(lines)


def refused_tags(tags: Iterable[str]) -> Iterator[tuple[str, Violation, bool]]:
    """The refused ones of `tags` (Danbooru names): name, why, and whether `safe` helps."""
    remaining = iter(tags)
    while batch := list(islice(remaining, _BATCH)):
        if check_prompt(", ".join(map(as_prompt, batch)), "", rating=Rating.EXPLICIT):
            for tag in batch:
                prompt = as_prompt(tag)
                if always := check_prompt(prompt, "", rating=Rating.SAFE):
                    yield tag, always, False
                elif violation := check_prompt(prompt, "", rating=Rating.EXPLICIT):
                    yield tag, violation, True


def as_prompt(tag: str) -> str:
    """A Danbooru name as people write it in a prompt: spaces, escaped brackets."""
    return tag.replace("_", " ").replace("(", r"\(").replace(")", r"\)")


def refusal_table(refused: Iterable[tuple[str, Violation, bool]], *, tags: int) -> str:
    """What the rules refuse of a list of `total` tags, as a Markdown table below the counts."""
    rows: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for tag, violation, safe_helps in refused:
        when = "above safe" if safe_helps else "always"
        rows[when, str(violation.rule), violation.term].append(f"`{tag}`")
    lines = [
        f"{sum(map(len, rows.values()))} of {tags} tags are refused.",
        "",
        "| when | rule | word | tags |",
        "|---|---|---|---|",
    ]
    for (when, rule, term), names in sorted(rows.items(), reverse=True):
        lines.append(f"| {when} | {rule} | {term} | {', '.join(names)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> None:
    tables = [ceiling_table()]
    for path in arguments:
        with Path(path).open(encoding="utf-8", newline="") as file:
            tags = [row[0] for row in csv.reader(file)]
        tables.append(refusal_table(refused_tags(tags), tags=len(tags)))
    sys.stdout.write("\n\n".join(tables) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])

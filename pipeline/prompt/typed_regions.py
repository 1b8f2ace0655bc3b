"""Regions as people type them: `2girls, park, left: red hair | right: blue hair`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from pipeline.errors import InputError
from pipeline.prompt.assemble import Craft, assemble_prompt
from pipeline.regions import Place, Region, in_order
from pipeline.request import GenerationRequest

_NAMES: Final = {
    "left": Place.LEFT, "左": Place.LEFT,
    "right": Place.RIGHT, "右": Place.RIGHT,
    "top": Place.TOP, "上": Place.TOP,
    "bottom": Place.BOTTOM, "下": Place.BOTTOM,
    "center": Place.CENTER, "centre": Place.CENTER, "middle": Place.CENTER,
    "中央": Place.CENTER, "真ん中": Place.CENTER,
}  # fmt: skip
_LABEL: Final = rf"(?P<name>{'|'.join(_NAMES)})\s*[:：]"
_FIRST = re.compile(rf"(?:\A|(?<=[,、，]))\s*{_LABEL}", re.IGNORECASE)
_NEXT = re.compile(rf"\s*{_LABEL}", re.IGNORECASE)
_SIGN = re.compile(r"\\.|[\[\](){}<>|｜]", re.DOTALL)
_COMMAS: Final = " ,、，"


class TypedRegions(NamedTuple):
    """`common` is for all of them."""

    common: str
    regions: tuple[Region, ...]


def split_regions(prompt: str) -> TypedRegions:
    """A prompt as typed, and its regions from left to right or from top to bottom; none if it names
    fewer than two after a `|`.

    InputError `regions_unclear` for places that don't fit together.
    """
    first, *others = _parts(prompt)
    labels = [_NEXT.match(each) for each in others]
    if not any(labels):
        return TypedRegions(prompt, ())
    label = _FIRST.search(first)
    common = first if label is None else first[: label.start()]
    found: list[Region] = []
    if label is not None:
        found.append(_region(label, first))
    for match, text in zip(labels, others, strict=True):
        if match is None:
            raise InputError("regions_unclear")
        found.append(_region(match, text))
    order = in_order(each.place for each in found)
    if order is None or not all(each.prompt for each in found):
        raise InputError("regions_unclear")
    return TypedRegions(
        common.strip(_COMMAS), tuple(sorted(found, key=lambda each: order.index(each.place)))
    )


def join_regions(common: str, parts: Mapping[Place, str]) -> str:
    """The prompt that `split_regions` divides into these. InputError `region_not_one` if it can't,
    as for a bracket that is not closed, or a `|` outside of brackets."""
    whole = " ".join(common.split()).strip(_COMMAS)
    texts = {place: " ".join(part.split()).strip(_COMMAS) for place, part in parts.items()}
    typed = " | ".join(f"{place}: {part}" for place, part in texts.items())
    joined = f"{whole}, {typed}" if whole else typed
    wanted = tuple(Region(place=place, prompt=part) for place, part in texts.items())
    try:
        as_wanted = split_regions(joined) == (whole, wanted)
    except InputError:
        as_wanted = False
    if not as_wanted:
        raise InputError("region_not_one")
    return joined


def without_places(prompt: str) -> str:
    """`prompt` as one, for what reads its tags only."""
    try:
        typed = split_regions(prompt)
    except InputError:
        return prompt
    return ", ".join(part for part in (typed.common, *(r.prompt for r in typed.regions)) if part)


def assemble_regions(
    read: GenerationRequest, regions: Sequence[Region], craft: Craft
) -> tuple[str, tuple[Region, ...]]:
    """The final prompt, and what each of `regions` is drawn from; their texts are read like
    `read`, which has the common one."""
    prompt = assemble_prompt(read, craft)
    if not regions:
        return prompt, ()
    drawn = tuple(
        replace(each, prompt=assemble_prompt(_with(read, each), craft)) for each in regions
    )
    typed = " | ".join(f"{each.place}: {each.prompt}" for each in regions)
    return ", ".join(part for part in (prompt, typed) if part), drawn


def _with(read: GenerationRequest, region: Region) -> GenerationRequest:
    return replace(read, prompt=", ".join(part for part in (read.prompt, region.prompt) if part))


def _region(label: "re.Match[str]", text: str) -> Region:
    place = _NAMES[label["name"].casefold()]
    return Region(place=place, prompt=text[label.end() :].strip(_COMMAS))


def _parts(prompt: str) -> Iterator[str]:
    """`prompt` cut at each `|` outside of brackets."""
    depth = start = 0
    for match in _SIGN.finditer(prompt):
        sign = match[0]
        if sign in "[({<":
            depth += 1
        elif sign in "])}>":
            depth = max(0, depth - 1)
        elif sign in "|｜" and depth == 0:
            yield prompt[start : match.start()]
            start = match.end()
    yield prompt[start:]

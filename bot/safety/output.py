"""Decides whether finished pictures may be shown, from the tagger's result and the place. Pure.

The hard rule applies in addition to the ceiling: a picture rated above general with a figure that
may be a minor is withheld wherever more than `sensitive` is possible, and never stored.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from bot.safety.rules import Rule, check_prompt
from pipeline.rating import Rating
from pipeline.tagger.tagging import Tagging

MINOR_SCORE: Final = 0.2
"""The probability from which a minor-coded tag counts: far below the usual threshold."""


class WithheldReason(StrEnum):
    """Why a picture is withheld. Each has a text in the catalogue, `[errors] withheld_<value>`."""

    RATING = "rating"
    MINOR = "minor"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`reason` None: it may be shown. `hits`: the minor-coded tags that counted, with scores."""

    reason: WithheldReason | None
    hits: Mapping[str, float] = field(default_factory=dict[str, float])


def minor_coded(tags: Iterable[str]) -> frozenset[str]:
    """The tagger's tags (Danbooru's names) that indicate a minor: those that the rules on prompts
    refuse above `safe`. Takes a second for ten thousand: call it in a thread."""
    found: set[str] = set()
    for tag in tags:
        words = tag.replace("_", " ")
        violation = check_prompt(words, "", rating=Rating.SENSITIVE)
        if violation is not None and violation.rule in {Rule.MINOR_CODED, Rule.MINOR_SEXUAL}:
            found.add(tag)
    return frozenset(found)


def judge(tagging: Tagging, *, ceiling: Rating, minor: frozenset[str]) -> Verdict:
    """Whether a picture may be shown under `ceiling`. `minor`: see `minor_coded`."""
    hits = {
        tag: score
        for tag, score in (*tagging.general.items(), *tagging.characters.items())
        if tag in minor and score >= MINOR_SCORE
    }
    more_is_possible = max(ceiling, tagging.rating) > Rating.SENSITIVE
    if hits and tagging.rating > Rating.SAFE and more_is_possible:
        return Verdict(reason=WithheldReason.MINOR, hits=hits)
    if tagging.rating > ceiling:
        return Verdict(reason=WithheldReason.RATING)
    return Verdict(reason=None)

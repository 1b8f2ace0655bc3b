"""What a tagger saw in a picture, as prompts that draw something like it. Pure."""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pipeline.card import Style
from pipeline.prompt.names import escape_name
from pipeline.rating import Rating
from pipeline.tags.kinds import TagKind, kind_of
from pipeline.tags.tag import display_name

MAX_TAGS: Final = 40  # general tags, the surest ones: more of them only repeat each other
MAX_LENGTH: Final = 900  # characters of a prompt: four of them fit into one message
_MARKS: Final = frozenset(
    {"artist name", "bar censor", "censored", "character name", "copyright name", "dated", "logo",
     "mosaic censoring", "patreon username", "signature", "twitter username", "uncensored",
     "watermark", "web address", "artist logo", "patreon logo", "copyright notice", "username"}
)  # fmt: skip
"""On a picture, not in it: as prompts they draw scribbles."""

_WHO: Final = (TagKind.SUBJECT, TagKind.BODY, TagKind.FACE, TagKind.POSE)
_WHERE: Final = (TagKind.SUBJECT, TagKind.FACE, TagKind.SCENE, TagKind.OTHER)

Scored = tuple[tuple[str, float], ...]
"""Names as people read them, with probabilities from 0 to 1, the surest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """`subjects`: how many there are, `1girl`. `series`: of the characters. `general`: the rest."""

    subjects: Scored
    characters: Scored
    series: tuple[str, ...]
    general: Scored
    rating: Rating

    @property
    def found(self) -> Scored:
        """All tags that were seen, in the order of a prompt."""
        return (*self.subjects, *self.characters, *self.general)


@dataclass(frozen=True, slots=True)
class Variant:
    """A prompt to draw, perhaps in a style."""

    prompt: str
    style: Style | None = None


def described(
    general: Mapping[str, float],
    characters: Mapping[str, float],
    *,
    rating: Rating,
    series_of: Callable[[str], str | None],
    hidden: Callable[[str], bool],
) -> Described:
    """Sort what a tagger saw, by Danbooru's names, the surest first, in the order that the model
    was trained on. `hidden`: names that must not be shown here."""

    def shown(tags: Mapping[str, float]) -> Scored:
        named = ((display_name(tag), score) for tag, score in tags.items())
        return tuple((name, score) for name, score in named if not hidden(name))

    known = [each for each in shown(general) if each[0] not in _MARKS][:MAX_TAGS]
    people = shown(characters)
    series = dict.fromkeys(each for name, _ in people if (each := series_of(name)) is not None)
    return Described(
        subjects=tuple(each for each in known if kind_of(each[0]) is TagKind.SUBJECT),
        characters=people,
        series=tuple(name for name in series if not hidden(name)),
        general=tuple(each for each in known if kind_of(each[0]) is not TagKind.SUBJECT),
        rating=rating,
    )


def variants(seen: Described, *, seed: int) -> tuple[Variant, Variant, Variant, Variant]:
    """Four ways to draw it: as it is; who it shows and their pose; the scene and its mood without
    them; and everything in another order in some style. The same `seed` gives the same ones."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    tags = [name for name, _ in seen.general]
    who = [name for name, _ in seen.characters]
    mixed = [*tags]
    chance.shuffle(mixed)
    return (
        Variant(_prompt(seen, [*who, *seen.series, *tags])),
        Variant(_prompt(seen, [*who, *seen.series, *_of_kinds(tags, _WHO)])),
        Variant(_prompt(seen, _of_kinds(tags, _WHERE))),
        Variant(_prompt(seen, [*who, *seen.series, *mixed]), chance.choice(list(Style))),
    )


def _of_kinds(tags: Iterable[str], kinds: tuple[TagKind, ...]) -> list[str]:
    return [name for name in tags if kind_of(name) in kinds]


def _prompt(seen: Described, tags: Iterable[str]) -> str:
    """As many of them as fit, after how many there are."""
    prompt = ""
    for name in (*(name for name, _ in seen.subjects), *tags):
        longer = f"{prompt}, {escape_name(name)}" if prompt else escape_name(name)
        if len(longer) <= MAX_LENGTH:
            prompt = longer
    return prompt

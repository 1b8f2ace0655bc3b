"""The final prompt and negative, in the order that Animagine was trained on.

1girl/1boy, character, series, everything else as typed; then style, rating, year, aesthetic and
quality. What a person typed is never dropped (a tag typed twice is kept once), takes precedence
over what we would add, and only moves within the part before the first BREAK.
"""

import re
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass
from itertools import chain
from typing import Final

from pipeline.card import PRESETS, RATING_TAGS, STYLES, Aesthetic, Quality, QualityPreset, Year
from pipeline.prompt.pieces import Piece, join_pieces, piece, split_pieces
from pipeline.prompt.tags import plain_key, plain_keys
from pipeline.prompt.weights import escape_tag, plain_tags
from pipeline.rating import Rating
from pipeline.request import GenerationRequest
from pipeline.tag_category import TagCategory

CategoryOf = Callable[[str], TagCategory | None]
"""The category of a tag by its plain key (lower case, spaces), or None if unknown."""

MINORS: Final = "loli, shota, child"
"""Added to the negative prompt of every picture rated above SENSITIVE, whatever the prompt says."""

_SUBJECT = re.compile(r"\d+\+?\s?(girl|boy|other)s?|multiple (girls|boys|others)")
_QUALITIES: Final = frozenset(Quality)
_YEARS: Final = frozenset(Year)
_AESTHETICS: Final = frozenset(Aesthetic)
_NEGATIVES: Final = frozenset(
    chain.from_iterable(plain_keys(preset.negative) for preset in PRESETS.values())
)
_COMPLETE_NEGATIVE: Final = 5  # words of the presets' negatives: typing this many means them all
_RATINGS: Final = frozenset(chain.from_iterable(plain_keys(text) for text in RATING_TAGS.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Craft:
    """What the assembly needs besides the request. `rating` is the decided one."""

    preset: QualityPreset
    rating: Rating
    quality_first: bool
    category_of: CategoryOf


def typed_text(request: GenerationRequest) -> str:
    """Everything that a person typed for the picture itself, except the negative prompt."""
    parts = (request.character, request.series, request.prompt, request.tags)
    return ", ".join(part for part in parts if part)


def assemble_prompt(request: GenerationRequest, craft: Craft) -> str:
    """The final prompt in A1111's syntax. `request` is read: see `pipeline.prompt.read`."""
    ordered = _once(_ordered(request, craft.category_of))
    taken = plain_keys(typed_text(request)) | plain_keys(join_pieces(ordered))
    refused = plain_keys(request.negative_prompt) | plain_keys(request.place_negative)
    quality = _new(_quality(request, craft, taken), taken | refused)
    around = _new(_special(request, craft, taken), taken | refused | {p.key for p in quality})
    if craft.quality_first:
        return join_pieces([*quality, *ordered, *around])
    return join_pieces([*ordered, *around, *quality])


def assemble_negative(request: GenerationRequest, craft: Craft, *, prompt: str) -> str:
    """The final negative: the place's, the user's own, then the style's, then the preset's.

    A complete one of the user's, such as a pasted one, gets no second one after it. Nothing in the
    final `prompt` is added, and `nsfw` only if the rating excludes it.
    """
    own = _once(split_pieces(request.negative_prompt))
    style = "" if request.style is None else STYLES[request.style].negative
    added = [*split_pieces(style), *split_pieces(PRESETS[craft.preset].negative)]
    if len(plain_keys(request.negative_prompt) & _NEGATIVES) >= _COMPLETE_NEGATIVE:
        added = [each for each in added if each.key == "nsfw"]
    wanted = plain_keys(prompt)
    adult = craft.rating > Rating.SENSITIVE

    def fitting(added: Iterable[Piece]) -> list[Piece]:
        return [
            p for p in added if not plain_keys(p.text) & wanted and not (adult and p.key == "nsfw")
        ]

    typed = plain_keys(request.negative_prompt)
    place = _new(fitting(split_pieces(request.place_negative)), typed)
    minors = split_pieces(MINORS) if adult else []
    said = typed | plain_keys(join_pieces(place))
    return join_pieces([*place, *own, *_new([*fitting(added), *minors], said)])


def _ordered(request: GenerationRequest, category_of: CategoryOf) -> list[Piece]:
    """The user's pieces; those before the first BREAK in the card's order."""
    typed = [*split_pieces(request.prompt), *split_pieces(request.tags)]
    end = next((i for i, each in enumerate(typed) if each.holds_break), len(typed))
    subjects: list[Piece] = []
    characters, series, rest = _names(request.character), _names(request.series), list[Piece]()
    for each in typed[:end]:
        key = _same_kind(each, category_of) if each.changes else each.key
        category = category_of(key)
        if _SUBJECT.fullmatch(key):
            subjects.append(each)
        elif category is TagCategory.CHARACTER:
            characters.append(each)
        elif category is TagCategory.COPYRIGHT:
            series.append(each)
        else:
            rest.append(each)
    return [*subjects, *characters, *series, *rest, *typed[end:]]


def _same_kind(changing: Piece, category_of: CategoryOf) -> str:
    """The key of the first tag of a piece that changes, if all of its tags have the same place."""
    keys = [plain_key(tag) for tag in plain_tags(changing.text)]
    places = {(bool(_SUBJECT.fullmatch(key)), category_of(key)) for key in keys}
    return keys[0] if len(places) == 1 else changing.key


def _names(option: str) -> list[Piece]:
    """Names from an option. Brackets are escaped unless a name starts with weight syntax or
    changes."""
    return [
        each if each.is_weighted or each.changes else piece(escape_tag(each.text))
        for each in split_pieces(option)
        if not each.is_break
    ]


def _special(request: GenerationRequest, craft: Craft, taken: Set[str]) -> list[Piece]:
    """Style, rating, year and aesthetic, except kinds of which a word was typed."""
    pieces = [] if request.style is None else split_pieces(STYLES[request.style].positive)
    rating = split_pieces(RATING_TAGS[craft.rating])
    if taken & _RATINGS <= {each.key for each in rating}:
        pieces += rating
    if request.year is not None and not taken & _YEARS:
        pieces.append(piece(request.year))
    if request.aesthetic is not None and not taken & _AESTHETICS:
        pieces.append(piece(request.aesthetic))
    return pieces


def _quality(request: GenerationRequest, craft: Craft, taken: Set[str]) -> list[Piece]:
    """The preset's tags, less its quality or aesthetic words where such were typed or chosen."""
    excluded: set[str] = set()
    if taken & _QUALITIES:
        excluded |= _QUALITIES
    if taken & _AESTHETICS or request.aesthetic is not None:
        excluded |= _AESTHETICS
    return [p for p in split_pieces(PRESETS[craft.preset].positive) if p.key not in excluded]


def _new(pieces: Iterable[Piece], known: Set[str]) -> list[Piece]:
    """Those of `pieces` that are new, each once."""
    seen = set(known)
    kept: list[Piece] = []
    for each in pieces:
        keys = plain_keys(each.text)
        if not keys <= seen:
            kept.append(each)
            seen |= keys
    return kept


def _once(pieces: Iterable[Piece]) -> list[Piece]:
    """Each tag once between two BREAKs, at its first position, in the first spelling with a weight.

    Repeating a tag after a BREAK is intended: it puts the tag into another chunk.
    """
    kept: list[Piece] = []
    place: dict[str, int] = {}
    for each in pieces:
        first = place.get(each.key)
        if each.is_break:
            place.clear()
        if each.is_break or not each.key or first is None:
            place[each.key] = len(kept)
            kept.append(each)
        elif each.is_weighted and not kept[first].is_weighted:
            kept[first] = each
    return kept

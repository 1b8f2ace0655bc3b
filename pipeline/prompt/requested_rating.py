"""The rating requested by the words of a prompt."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from pipeline.errors import RefusedError
from pipeline.prompt.tags import plain_keys
from pipeline.rating import Rating

_WORDS: Final[Mapping[str, Rating]] = {
    "safe": Rating.SAFE,
    "sfw": Rating.SAFE,
    "sensitive": Rating.SENSITIVE,
    "nsfw": Rating.NSFW,
    "questionable": Rating.NSFW,
    "explicit": Rating.EXPLICIT,
}
_PREFIXED: Final[Mapping[str, Rating]] = {
    **_WORDS,
    "general": Rating.SAFE,
    "g": Rating.SAFE,
    "s": Rating.SENSITIVE,
    "q": Rating.NSFW,
    "e": Rating.EXPLICIT,
}
_RATING = re.compile(r"rating\s*:\s*(\w+)")
_ADULT = re.compile(r"\b(nsfw|explicit)\b")


def requested_rating(prompt: str) -> Rating | None:
    """The strongest rating word in `prompt`, or None.

    A tag that equals the word, Danbooru's `rating:explicit`, and `nsfw` or `explicit` inside a
    sentence count: where they are not allowed, refusing is better than drawing.
    """
    found = [rating for key in plain_keys(prompt) for rating in _ratings_in(key)]
    return max(found, default=None)


def decide_rating(
    chosen: Rating | None, prompts: Iterable[str], *, default: Rating, ceiling: Rating
) -> Rating:
    """The higher of the chosen rating and those of `prompts`, or the default, no higher than
    `ceiling`. RefusedError for a request above it."""
    said = (chosen, *map(requested_rating, dict.fromkeys(prompts)))
    found = [rating for rating in said if rating is not None]
    if not found:
        return min(default, ceiling)
    requested = max(found)
    if requested > ceiling:
        raise RefusedError("rating_above_ceiling", wish=requested.label, ceiling=ceiling.label)
    return requested


def _ratings_in(key: str) -> list[Rating]:
    named = _RATING.fullmatch(key)
    if named is not None:
        return [_PREFIXED[named[1]]] if named[1] in _PREFIXED else []
    whole = [_WORDS[key]] if key in _WORDS else []
    return whole + [_WORDS[word] for word in _ADULT.findall(key)]

"""Which tags may be suggested where: a rating for each tag, by the words of its name.

Suggestions are only a convenience, and what is hidden can still be typed, so this fails closed: a
harmless tag that sounds sexual is hidden rather than a sexual one shown. Ratings follow Danbooru's
definitions (`pipeline.rating`). The hard rules on prompts are separate and stricter.
"""

import re
from collections.abc import Callable
from functools import cache, lru_cache

from pipeline.rating import Rating
from pipeline.tags import suitability_words as words
from pipeline.tags.tag import Tag, tag_key

_WORD = re.compile(r"[^\W_]+")
_CACHED = 16_384  # names: a search checks the same ones at each letter


@lru_cache(maxsize=_CACHED)
def rating_of(name: str) -> Rating | None:
    """The lowest rating of a place in which the tag may be suggested, or None: nowhere."""
    key = _separated(tag_key(name))
    if _holds(_without(key, words.NEVER_HARMLESS), words.NEVER):
        return None
    rating = _level(key)
    if rating > Rating.SAFE and _is_minor(key):
        return None
    return rating


@lru_cache(maxsize=_CACHED)
def sexual_rating_of(name: str) -> Rating:
    """How sexual the content of a tag is, by its name. Unlike for suggestions, blood, violence and
    other non-sexual content count as `safe`."""
    key = _separated(tag_key(name))
    return _level(key if key in words.RATED else _without(key, words.NOT_SEXUAL))


@cache
def hidden_above(rating: Rating) -> Callable[[Tag], bool]:
    """Returns a function that says whether a tag is hidden in a place that allows pictures up to
    `rating`.

    Tags for children are hidden wherever more than `safe` is allowed, because there they only lead
    to a refusal.
    """

    def hidden(tag: Tag) -> bool:
        own = rating_of(tag.name)
        if own is None or own > rating:
            return True
        return rating > Rating.SAFE and _is_minor(_separated(tag_key(tag.name)))

    return hidden


def _level(key: str) -> Rating:
    if key in words.RATED:
        return words.RATED[key]
    text = _without(key, words.HARMLESS)
    if _holds(text, words.EXPLICIT) or any(root in text for root in words.EXPLICIT_ROOTS):
        return Rating.EXPLICIT
    if _holds(text, words.NSFW) or any(root in text for root in words.NSFW_ROOTS):
        return Rating.NSFW
    if _holds(text, words.SENSITIVE) or any(root in text for root in words.SENSITIVE_ROOTS):
        return Rating.SENSITIVE
    return Rating.SAFE


def _is_minor(key: str) -> bool:
    return _holds(_without(key, words.MINOR_HARMLESS), words.MINOR)


def _separated(key: str) -> str:
    """Words with single spaces between and around them: ` hair ornament `."""
    return f" {' '.join(_WORD.findall(key))} "


def _without(text: str, phrases: frozenset[str]) -> str:
    for phrase in phrases & _phrases(text):
        text = text.replace(f" {phrase} ", "  ")
    return text


def _holds(text: str, phrases: frozenset[str]) -> bool:
    return not phrases.isdisjoint(_phrases(text))


@lru_cache(maxsize=4)
def _phrases(text: str) -> frozenset[str]:
    """All runs of one to three words."""
    parts = text.split()
    return frozenset(
        " ".join(parts[start : start + length])
        for start in range(len(parts))
        for length in range(1, min(4, len(parts) - start + 1))
    )

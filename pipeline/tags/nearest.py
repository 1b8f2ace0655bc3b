"""Finds tags that are similar to a text that is no tag."""

import re
from itertools import chain
from typing import Final

from pipeline.rating import Rating
from pipeline.tags.index import TagIndex
from pipeline.tags.suitability import hidden_above

MOST: Final = 3
_LONGEST: Final = 3  # words of a tag that is searched in a sentence
_MAX_WORDS: Final = 30
_WORD: Final = re.compile(r"[^\s.!?;:\"]+")


def nearest(tags: TagIndex, text: str, rating: Rating) -> list[str]:
    """Up to three names of tags that `text` may mean, among those that `rating` allows to show.

    For a mistyped name, similarly spelled ones; for a sentence, those contained in it, longest
    first, without the obvious `1girl`.
    """
    hide = hidden_above(rating)
    words = _WORD.findall(text)[:_MAX_WORDS]
    spelled = [match.tag.name for match in tags.search(text, limit=MOST, hide=hide)]
    runs = chain.from_iterable(
        (" ".join(words[at : at + length]) for at in range(len(words) - length + 1))
        for length in range(_LONGEST, 0, -1)
    )
    found = dict.fromkeys(spelled)
    for run in runs:
        tag = tags.get(run) if len(run) > 1 else None
        if tag is not None and not tag.name[0].isdigit() and not hide(tag):
            found.setdefault(tag.name)
        if len(found) >= MOST:
            break
    return list(found)[:MOST]

"""A server's own rules on prompts: words that are refused, phrases in which they are harmless.

They are matched like the hard rules, through every disguise, and after them: what a server allows
never disables a hard rule.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from bot.safety.matching import Shapes, TermMatcher
from bot.safety.normalise import normalise
from bot.safety.readings import readings
from bot.safety.rules import NEGATIVE_WEIGHT
from data.guilds.server_settings import Words
from pipeline.errors import InputError

MAX_WORDS: Final = 1000
"""Words per list: the search stays within milliseconds."""
MAX_WORD: Final = 100  # characters, also in the schema

_SIGNS = re.compile(r"[\W_]+")
_LIST_SIGNS = re.compile(r"[,;\n\r、]+")


def find_blocked(words: Words, prompt: str, negative_prompt: str) -> str | None:
    """The first of the server's words that the FINAL prompts contain, as spelled in the list.

    Slow for the first prompt after a change of the list: call it in a thread.
    """
    if not words.blocked:
        return None
    wanted = prompt
    if NEGATIVE_WEIGHT.search(negative_prompt):  # `(gore:-1)` requests it
        wanted = f"{prompt}, {negative_prompt}"
    return _matcher(words).find(readings(wanted))


def shapes(words: Words) -> Shapes:
    """What the server's words may begin with and have in them."""
    return Shapes(_matcher(words).shapes) if words.blocked else Shapes(())


@lru_cache(maxsize=64)
def _matcher(words: Words) -> TermMatcher:
    return TermMatcher(sorted(words.blocked), sorted(words.allowed))


def parse_words(typed: str) -> frozenset[str]:
    """The words of a list as typed or uploaded: separated by commas or lines; `#` starts a comment.

    InputError `word_unusable` for a word without letters, `word_too_long`, `words_too_many`.
    """
    lines = (line.split("#", 1)[0] for line in typed.splitlines())
    return checked(word for line in lines for word in _LIST_SIGNS.split(line))


def checked(words: Iterable[str]) -> frozenset[str]:
    """`words` as they are stored: in the spelling that is matched, each once, none empty."""
    found: set[str] = set()
    for word in words:
        plain = plain_word(word)
        if not plain:
            if word.strip():
                raise InputError("word_unusable", word=word.strip()[:MAX_WORD])
            continue
        if len(plain) > MAX_WORD:
            raise InputError("word_too_long", limit=MAX_WORD)
        found.add(plain)
        if len(found) > MAX_WORDS:
            raise InputError("words_too_many", limit=MAX_WORDS)
    return frozenset(found)


def plain_word(word: str) -> str:
    """A word or tag without punctuation, in one spelling; empty if it has no letters."""
    plain = " ".join(_SIGNS.sub(" ", normalise(word)).split())
    return plain if any(letter.isalpha() for letter in plain) else ""

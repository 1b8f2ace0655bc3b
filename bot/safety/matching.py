"""Whole-word search for the terms of a list, through every disguise of the letters.

All terms become one regular expression over the letter classes of a `Reading`: a trie, so that the
cost per character does not grow with the list, and without unbounded backtracking. Inside a term,
letters may be repeated and separated (`l-o-lll i`); its ends must be ends of words.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import chain, groupby

from bot.safety.mixed import ANY
from bot.safety.normalise import normalise
from bot.safety.readings import DISGUISES, Reading, class_of

# What can't directly precede or follow a term: digits and the alphabets from Latin to Georgian.
# Scripts without spaces (kana, Han) and punctuation end a word.
_LETTER = r"0-9a-z\u00aa-\u10ff"
_START = rf"(?:(?<![{_LETTER}])|(?=[^{_LETTER} ]))"
_END = rf"(?:(?<=[^{_LETTER}])|(?![{_LETTER}]))"
_NO_PERSON = (
    rf"(?!\W+(?:girl|boy|female|male|wom[ae]n|m[ae]n|lady|lad|person|people|human|humanoid|body"
    rf"|princess|prince|sister|brother|daughter|son|child|kid|ears)(?:e?s|oid)?(?![{_LETTER}]))"
)
_PARTED = r"(?:[^\w,]|_)++"  # words of a phrase
_MORE = 12  # how many repeats and spaces a letter may take: bounded, so that time stays linear


class TermMatcher:
    """Finds the terms of a list in readings of a prompt.

    `harmless` are phrases in which a term means something else (`kid icarus`): a match inside one
    does not count. `things` are such phrases too, unless a word for a person follows: `baby fox`,
    but not `baby fox girl`. Terms and phrases are plain words, separated by single spaces.
    """

    def __init__(
        self, terms: Iterable[str], harmless: Iterable[str] = (), things: Iterable[str] = ()
    ) -> None:
        self._terms: dict[str, list[tuple[str, str]]] = {}
        trie = _Node()
        for term in terms:
            letters = normalise(term).replace(" ", "")
            trie.add([_piece(run) for run in _runs(letters)])
            self._terms.setdefault(shape_of(letters), []).append((letters, term))
        self._search = re.compile(rf"{_START}(?=((?:{trie.pattern()}){_END}))")
        self._harmless = re.compile(_phrases(harmless, things))

    def find(self, readings: Iterable[Reading]) -> str | None:
        """The first term found in any of the readings, as spelled in the list."""
        return next((term for reading in readings for term in self._finds(reading)), None)

    def find_mixed(self, words: Iterable[str]) -> str | None:
        """The first term that one of `mixed_words` may be, as spelled in the list."""
        for word in words:
            place = next(place for place, letter in enumerate(word) if letter != ANY)
            for letters, term in self._by_letter.get((len(word), place, word[place]), ()):
                if all(a in (b, ANY) for a, b in zip(word, letters, strict=True)):
                    return term
        return None

    @property
    def shapes(self) -> Iterable[str]:
        """The `shape_of` each term."""
        return self._terms

    @cached_property
    def _by_letter(self) -> dict[tuple[int, int, str], list[tuple[str, str]]]:
        """Terms of Latin letters by their length and each of their letters."""
        found: dict[tuple[int, int, str], list[tuple[str, str]]] = defaultdict(list)
        for letters, term in chain.from_iterable(self._terms.values()):
            if letters.isascii():
                for place, letter in enumerate(letters):
                    found[len(letters), place, letter].append((letters, term))
        return found

    def _finds(self, reading: Reading) -> Iterable[str]:
        harmless: set[int] | None = None
        for match in self._search.finditer(reading.classes):
            start, end = match.span(1)
            term = self._term(reading, start, end)
            if term is None:
                continue
            if harmless is None:  # every place inside a harmless phrase
                spans = (found.span() for found in self._harmless.finditer(reading.plain))
                harmless = {place for span in spans for place in range(*span)}
            if not (start in harmless and start + len(match[1].rstrip()) - 1 in harmless):
                yield term

    def _term(self, reading: Reading, start: int, end: int) -> str | None:
        """The term spelled out at `start:end`, if it is one and a word of its own."""
        classes = reading.classes[start:end]
        letters = "".join(
            letter
            for letter, kind in zip(reading.plain[start:end], classes, strict=True)
            if kind != " "
        )
        if not any(letter.isalpha() for letter in letters):
            return None  # a number: 1011 is not leet
        if _inside_run(reading.plain, start, end):
            return None
        if not _whole_tag(reading.classes, start, end):
            letters = letters.rstrip("!")  # "lol!" within a sentence is a laugh
        candidates = self._terms.get(shape_of(letters), [])
        return next((term for wanted, term in candidates if _spells(letters, wanted)), None)


class Shapes:
    """What words may begin with and have in them, disguised or not."""

    def __init__(self, shapes: Iterable[str]) -> None:
        self._beginnings = frozenset(
            each[:end] for each in shapes for end in range(1, len(each) + 1)
        )
        self._all = "\n".join(shapes)

    def may_begin(self, letters: str) -> bool:
        """Whether one of them can begin with normalised `letters`."""
        return shape_of(letters) in self._beginnings

    def may_contain(self, letters: str) -> bool:
        """Whether one of them can have normalised `letters` in it."""
        return shape_of(letters) in self._all


class _Node(dict[str, "_Node"]):
    """A trie over pieces of regular expressions. `ends` says whether a term may end here."""

    ends = False

    def add(self, pieces: Sequence[str]) -> None:
        if not pieces:
            self.ends = True
            return
        self.setdefault(pieces[0], _Node()).add(pieces[1:])

    def pattern(self) -> str:
        """Longer terms first. Before another letter the repeats are possessive: that letter's class
        is different, so backtracking could not help.
        """
        branches: list[str] = []
        for piece, node in sorted(self.items()):
            more = rf"[{re.escape(piece[-1])} ]{{0,{_MORE}}}"
            if node:
                branches.append(rf"{piece}{more}+(?:{node.pattern()})")
            if node.ends:
                branches.append(rf"{piece}{more}")
        return "|".join(branches)


def _runs(letters: str) -> list[str]:
    return ["".join(run) for _, run in groupby(letters, key=class_of)]


def _piece(run: str) -> str:
    """The shortest run of letters of one class (`il` of child, `dd`: two, spaces between)."""
    return " *".join(re.escape(class_of(letter)) for letter in run)


def shape_of(letters: str) -> str:
    """The classes of the letters without repeats: the same for a term and all its disguises."""
    return "".join(kind for kind, _ in groupby(letters, key=class_of))


def _spells(letters: str, wanted: str) -> bool:
    """Whether `letters` are those of `wanted`, each repeated or disguised at will, in order.

    A walk over all positions in `wanted` that the letters so far can have reached.
    """
    reached = {-1}
    for letter in letters:
        fits = {
            place
            for place, want in enumerate(wanted)
            if letter == want or letter in DISGUISES.get(want, "")
        }
        reached = {place for place in fits if place in reached or place - 1 in reached}
    return len(wanted) - 1 in reached


def _phrases(harmless: Iterable[str], things: Iterable[str]) -> str:
    """A pattern for all of them. It reads a first word that many share (`baby`) once."""
    alone: set[str] = set()
    longer: dict[str, list[str]] = {}
    for phrases, end in ((harmless, ""), (things, _NO_PERSON)):
        for phrase in sorted(phrases, reverse=True):
            first, *more = map(re.escape, filter(None, re.split(r"\W+", normalise(phrase))))
            rests = longer.setdefault(first, [])
            if more:
                rests.append(_PARTED.join(more) + end)
            else:
                alone.add(first)
    choices = [
        rf"{first}(?:{_PARTED}(?:{'|'.join(rests) or '(?!)'}){'|' if first in alone else ''})"
        for first, rests in longer.items()
    ]
    return rf"(?<![{_LETTER}])(?:{'|'.join(choices) or '(?!)'})(?![{_LETTER}])"


def _whole_tag(classes: str, start: int, end: int) -> bool:
    before, after = classes[max(0, start - 2) : start].rstrip(), classes[end : end + 2].lstrip()
    return before[-1:] in ("", ",") and after[:1] in ("", ",")


def _inside_run(plain: str, start: int, end: int) -> bool:
    """Whether a term in kana or Hangul is only a part of a longer word (`プロリーグ`)."""
    before, after = plain[start - 1 : start], plain[end : end + 1]
    if "ァ" <= plain[start] <= "ヺ":
        return "ァ" <= before <= "ー" or "ァ" <= after <= "ー"
    return "가" <= plain[start] <= "힣" and "가" <= before <= "힣"

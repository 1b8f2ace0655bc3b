"""Spelling correction with the words of all tags.

The method is the deletion neighbourhood (SymSpell, W. Garbe 2012): two words within one edit of
each other share a form with a letter left out. Forms are kept as hashes in one sorted array, so
that a hundred thousand of them are one block of memory.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Final
from zlib import crc32

_HEAD: Final = 7  # letters used for the forms; the rest is compared afterwards
_MAX_WORDS: Final = 40_000  # the most used words; rare ones must be typed exactly
_TWO_EDITS_WORDS: Final = 12_000  # of which two edits are forgiven: thirty forms for each
_MAX_COMPARED: Final = 50  # words compared in full for each query word
_TWO_EDITS: Final = 7  # letters from which two edits are forgiven
_ONE_EDIT: Final = 4  # letters from which one is


class WordFixer:
    """`words` in order of importance; only the first 40,000 are known."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = [word for word, _ in zip(words, range(_MAX_WORDS), strict=False)]
        forms: list[int] = []
        for number, word in enumerate(self._words):
            if len(word) >= _ONE_EDIT:
                edits = 2 if number < _TWO_EDITS_WORDS and len(word) >= _TWO_EDITS - 1 else 1
                forms.extend(_hash(form) << 32 | number for form in _forms(word, edits))
        forms.sort()
        self._forms = array("Q", forms)

    def meant(self, typed: str, *, limit: int) -> list[tuple[int, str]]:
        """Up to `limit` pairs (edits, word) for a mistyped word, the nearest and most used first.

        A word of which `typed` is a mistyped prefix also counts.
        """
        edits = allowed_edits(typed)
        if not edits:
            return []
        numbers = sorted({n for form in _forms(typed, edits) for n in self._with_form(form)})
        found = (
            (distance, number, self._words[number])
            for number in numbers[:_MAX_COMPARED]
            if (distance := _distance_to_beginning(typed, self._words[number], edits)) <= edits
        )
        return [(distance, word) for distance, _, word in sorted(found)[:limit]]

    def _with_form(self, form: str) -> Sequence[int]:
        code = _hash(form)
        start = bisect_left(self._forms, code << 32)
        end = bisect_left(self._forms, (code + 1) << 32, start)
        return [entry & 0xFFFFFFFF for entry in self._forms[start:end]]


def allowed_edits(typed: str) -> int:
    """How many typing errors are corrected in a word of this length."""
    return 2 if len(typed) >= _TWO_EDITS else 1 if len(typed) >= _ONE_EDIT else 0


def edit_distance(one: str, other: str, limit: int) -> int:
    """Letters added, left out, changed, or swapped with their neighbour; `limit` + 1 when more."""
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, opposite in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != opposite))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == opposite:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return row[-1]


def _distance_to_beginning(typed: str, word: str, limit: int) -> int:
    """Edits between `typed` and `word`, or one more than those to a prefix of `word`."""
    whole = edit_distance(typed, word, limit)
    if whole <= 1 or len(word) <= len(typed):
        return whole
    return min(whole, 1 + edit_distance(typed, word[: len(typed)], limit))


def _forms(word: str, edits: int) -> set[str]:
    head = word[:_HEAD]
    forms = {head}
    for count in range(1, edits + 1):
        forms.update("".join(kept) for kept in combinations(head, len(head) - count))
    return forms


def _hash(form: str) -> int:
    return crc32(form.encode())

"""Sorted names that quickly answer "which tags start like this, best first" in little memory."""

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

_LAST: Final = "\U0010ffff"  # sorts behind every letter
_SHORT: Final = 2  # letters: prefixes up to this length have too many matches to sort in each query
_MANY: Final = 256  # ids: fewer are sorted in microseconds


class Lookup:
    """Keys, each with the number of a tag. Numbers are ranks: 0 is the tag with most posts.

    Answers for short prefixes are sorted once: one-letter queries would cost ten milliseconds.
    """

    def __init__(self, keys: Sequence[str], ranks: Sequence[int]) -> None:
        order = sorted(range(len(keys)), key=keys.__getitem__)
        self._keys = [keys[i] for i in order]
        self._ranks = array("I", (ranks[i] for i in order))
        self._sorted: dict[str, array[int]] = {}
        for length in range(1, _SHORT + 1):
            self._sort_prefixes(length)

    def __len__(self) -> int:
        return len(self._keys)

    def exact(self, key: str) -> Sequence[int]:
        """The ranks of tags whose key is `key`, best first."""
        start = bisect_left(self._keys, key)
        end = start
        while end < len(self._keys) and self._keys[end] == key:
            end += 1
        return sorted(self._ranks[start:end])

    def beginning(self, prefix: str) -> Sequence[int]:
        """The ranks of tags with a key that starts with `prefix`, best first; some may repeat."""
        ready = self._sorted.get(prefix)
        if ready is not None:
            return ready
        start, end = self._range(prefix)
        return sorted(self._ranks[start:end])

    def first(self, prefix: str, rank: int) -> str | None:
        """The first key of the tag `rank` that starts with `prefix`."""
        start, end = self._range(prefix)
        for index in range(start, end):
            if self._ranks[index] == rank:
                return self._keys[index]
        return None

    def _range(self, prefix: str) -> tuple[int, int]:
        start = bisect_left(self._keys, prefix)
        return start, bisect_left(self._keys, prefix + _LAST, start)

    def _sort_prefixes(self, length: int) -> None:
        start = 0
        while start < len(self._keys):
            prefix = self._keys[start][:length]
            if len(prefix) < length:
                start += 1
                continue
            end = bisect_left(self._keys, prefix + _LAST, start)
            if end - start > _MANY:
                self._sorted[prefix] = array("I", sorted(self._ranks[start:end]))
            start = end

"""Limits simultaneous uses in total and per address. Pure."""

from collections import Counter


class Slots:
    """`total` slots, of which one address can take at most `each`."""

    def __init__(self, *, total: int, each: int) -> None:
        self.total = total
        self.each = each
        self._taken = Counter[str]()

    @property
    def taken(self) -> int:
        """How many are in use."""
        return self._taken.total()

    @property
    def full(self) -> bool:
        """Whether nobody can take one."""
        return self.taken >= self.total

    def take(self, key: str) -> bool:
        """Take one for the address `key`; False if it has its share or none is left."""
        if self.full or self._taken[key] >= self.each:
            return False
        self._taken[key] += 1
        return True

    def give_back(self, key: str) -> None:
        """One of `key` has ended."""
        self._taken[key] -= 1
        if self._taken[key] <= 0:
            del self._taken[key]  # don't keep addresses without slots

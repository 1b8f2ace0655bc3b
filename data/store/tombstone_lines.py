"""A file of tombstones as text. Pure.

The first line has the key of the file, each further one a deletion: its number, when it was, what
was deleted, and the id as a keyed hash. The hash keeps the file from being a list of who left; it
can't keep whoever has the file from testing a guessed id, because a restore does just that.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final, Literal, cast, get_args

Kind = Literal["person", "job", "withheld", "entry", "web"]
"""Somebody's `/privacy delete`; a deleted job with its pictures; a withheld picture that was
discarded; a picture that was removed from a gallery; a maker who left the web page."""

KEY_BYTES: Final = 32
_DIGEST_LENGTH: Final = 32  # hex digits: 128 bits
_TITLE: Final = "ekaki tombstones 1"
_FIRST: Final = re.compile(rf"{_TITLE} ([0-9a-f]{{{2 * KEY_BYTES}}}) (\d{{1,15}})", re.ASCII)
_LINE: Final = re.compile(
    rf"(\d{{1,15}}) (-?\d{{1,15}}) ({'|'.join(get_args(Kind))}) ([0-9a-f]{{{_DIGEST_LENGTH}}})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Tombstone:
    """`number` grows with each deletion; `at`: seconds since the epoch, by the clock at that
    time."""

    number: int
    at: int
    kind: Kind
    digest: str

    def __str__(self) -> str:
        return f"{self.number} {self.at} {self.kind} {self.digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstones:
    """The content of a file. `through`: some with numbers up to this one have expired."""

    key: bytes
    through: int = 0
    stones: tuple[Tombstone, ...] = field(default=())

    @property
    def key_id(self) -> str:
        """What the file is called by, without saying the key."""
        return hashlib.sha256(self.key).hexdigest()[:16]

    @property
    def last(self) -> int:
        """The number of the latest deletion; 0 if there was none."""
        return max((self.through, *(stone.number for stone in self.stones)))

    def digest(self, kind: Kind, identifier: int | str) -> str:
        """The hash of an id of this kind."""
        message = f"{kind}:{identifier}".encode()
        return hmac.digest(self.key, message, "sha256").hex()[:_DIGEST_LENGTH]

    def first_line(self) -> str:
        """What a file begins with."""
        return f"{_TITLE} {self.key.hex()} {self.through}\n"

    def to_text(self) -> str:
        """The whole file."""
        return self.first_line() + "".join(f"{stone}\n" for stone in self.stones)

    def joined(self, others: "Iterable[Tombstones]") -> "Tombstones":
        """With those of other files of the same key."""
        stones, through = set(self.stones), self.through
        for other in others:
            stones |= set(other.stones)
            through = max(through, other.through)
        return replace(self, through=through, stones=tuple(sorted(stones)))

    def since(self, before: float) -> "Tombstones":
        """Without those from `before` or earlier."""
        gone = [stone.number for stone in self.stones if stone.at <= before]
        return replace(
            self,
            through=max(self.through, *gone, 0),
            stones=tuple(stone for stone in self.stones if stone.at > before),
        )


def read_tombstones(text: str) -> Tombstones:
    """Parse a file. What was cut off at its end by a crash is left out: that deletion was never
    confirmed to anybody. ValueError if anything else can't be read."""
    first, *lines = text.split("\n")[:-1] or [""]
    title = _FIRST.fullmatch(first)
    if title is None:
        raise ValueError("the first line can't be read")
    stones: list[Tombstone] = []
    for number, line in enumerate(lines, 2):
        found = _LINE.fullmatch(line)
        if found is None:
            raise ValueError(f"line {number} can't be read")
        stones.append(
            Tombstone(
                number=int(found[1]),
                at=int(found[2]),
                kind=cast("Kind", found[3]),
                digest=found[4],
            )
        )
    return Tombstones(key=bytes.fromhex(title[1]), through=int(title[2]), stones=tuple(stones))

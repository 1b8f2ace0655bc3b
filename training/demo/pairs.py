"""Two figures side by side: two looks that share a place and its light."""

import random
from dataclasses import dataclass, replace

from training.demo.look import Look, sample_look


@dataclass(frozen=True, slots=True)
class Pair:
    """Who stands on the left and on the right."""

    left: Look
    right: Look


def sample_pair(rng: random.Random, *, held_out: bool = False) -> Pair:
    """Two figures at random, of different hair colours: for training, or ones whose combinations
    training never sees."""
    left = sample_look(rng, held_out=held_out, placards=False)
    while True:
        other = sample_look(rng, placards=False)
        right = replace(
            other,
            place=left.place,
            time=left.time,
            plain=left.plain,
            detail=left.detail,
        )
        if right.held_out == held_out and right.hair != left.hair:
            return Pair(replace(left, shift=0), replace(right, shift=0))

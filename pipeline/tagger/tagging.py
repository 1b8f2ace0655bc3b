"""A tagger's result for one picture."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pipeline.rating import Rating

GENERAL_THRESHOLD: Final = 0.35
CHARACTER_THRESHOLD: Final = 0.85
"""The usual thresholds of the WD v3 taggers, by their author."""

LEAST_SCORE: Final = 0.05
"""Lower scores are not stored, because they are never used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagging:
    """Scores are probabilities from 0 to 1. `ratings` in the order of `Rating`; `general` and
    `characters` by Danbooru's names, highest first, down to LEAST_SCORE."""

    ratings: tuple[float, float, float, float]
    general: Mapping[str, float]
    characters: Mapping[str, float]

    @property
    def rating(self) -> Rating:
        """The most probable level; or, above `sensitive`, the highest that together with those
        above it has half of the probability: 0.45 sensitive, 0.4 questionable, 0.15 explicit is
        `nsfw`.

        Between general and sensitive the more probable one counts, as usual for these models.
        """
        likely = max(Rating, key=lambda rating: self.ratings[rating])
        half = sum(self.ratings) / 2
        heavy = max(rating for rating in Rating if sum(self.ratings[rating:]) >= half)
        return max(likely, heavy) if heavy > Rating.SENSITIVE else likely

    def tags(self) -> dict[str, float]:
        """The tags above their thresholds, with scores."""
        seen = {name: score for name, score in self.general.items() if score >= GENERAL_THRESHOLD}
        return seen | {
            name: score for name, score in self.characters.items() if score >= CHARACTER_THRESHOLD
        }

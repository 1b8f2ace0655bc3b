"""The `picture_checks` and `picture_tags` tables: the tagger's results for pictures."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from data.store.connection import Connection
from data.store.damage import object_of
from pipeline.rating import Rating


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRecord:
    """`ratings`: the four scores in the order of `Rating`. `tags`: those above their thresholds, by
    Danbooru's names, with scores."""

    tagger: str
    rating: Rating
    ratings: tuple[float, ...]
    tags: Mapping[str, float] = field(default_factory=dict[str, float])

    def to_json(self) -> str:
        """JSON for where no picture is stored; scores to four digits."""
        return json.dumps(
            {
                "tagger": self.tagger,
                "rating": int(self.rating),
                "ratings": [round(score, 4) for score in self.ratings],
                "tags": {tag: round(score, 4) for tag, score in self.tags.items()},
            }
        )

    @staticmethod
    def from_json(text: str) -> "CheckRecord | None":
        """Read what `to_json` returned; None for `{}` and for unreadable text."""
        return _checked(object_of(text))


def _checked(kept: Mapping[str, Any]) -> CheckRecord | None:
    try:
        return CheckRecord(
            tagger=str(kept["tagger"]),
            rating=Rating(kept["rating"]),
            ratings=tuple(float(kept["ratings"][rating]) for rating in Rating),
            tags={tag: float(score) for tag, score in kept["tags"].items()},
        )
    except (LookupError, TypeError, ValueError, AttributeError):
        return None


async def insert(connection: Connection, *, picture_id: str, check: CheckRecord) -> None:
    """Store the result for a picture."""
    await connection.execute(
        "INSERT INTO picture_checks (picture_id, tagger, rating, ratings) VALUES (?, ?, ?, ?)",
        (picture_id, check.tagger, int(check.rating), json.dumps(list(check.ratings))),
    )
    await connection.executemany(
        "INSERT INTO picture_tags (picture_id, tag, score) VALUES (?, ?, ?)",
        [(picture_id, tag, min(score, 1.0)) for tag, score in check.tags.items()],
    )


async def get(connection: Connection, *, picture_id: str) -> CheckRecord | None:
    """The result for a picture; None if it was not checked or can't be read."""
    row = await connection.first(
        "SELECT tagger, rating, ratings FROM picture_checks WHERE picture_id = ?", (picture_id,)
    )
    if row is None:
        return None
    async with connection.execute(
        "SELECT tag, score FROM picture_tags WHERE picture_id = ? ORDER BY score DESC, tag",
        (picture_id,),
    ) as cursor:
        tags = {str(tag): float(score) async for tag, score in cursor}
    ratings = object_of(f'{{"ratings": {row[2]}}}')
    return _checked({"tagger": row[0], "rating": row[1], "tags": tags} | ratings)

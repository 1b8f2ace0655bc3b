"""The `user_defaults` table: what somebody's requests get where they say nothing."""

from dataclasses import dataclass

from aiosqlite import Connection

from pipeline.card import QualityPreset
from pipeline.rating import Rating


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDefaults:
    """None and "": not set. `aspect` is what `parse_aspect` reads, as `832x1216`. A `rating` above
    a place's ceiling is lowered to it."""

    aspect: str | None = None
    preset: QualityPreset | None = None
    rating: Rating | None = None
    negative_prompt: str = ""


async def get(connection: Connection, *, user_id: int) -> UserDefaults:
    """What `user_id` set."""
    async with connection.execute(
        "SELECT aspect, preset, rating, negative_prompt FROM user_defaults WHERE user_id = ?",
        (user_id,),
    ) as cursor:
        row = await cursor.fetchone()
    if row is None:
        return UserDefaults()
    known = row["preset"] in list(QualityPreset)  # a later version may have dropped one
    return UserDefaults(
        aspect=row["aspect"],
        preset=QualityPreset(row["preset"]) if known else None,
        rating=None if row["rating"] is None else Rating(row["rating"]),
        negative_prompt=row["negative_prompt"],
    )


async def put(connection: Connection, *, user_id: int, defaults: UserDefaults) -> None:
    """Replace what `user_id` had set."""
    await connection.execute(
        "INSERT OR REPLACE INTO user_defaults (user_id, aspect, preset, rating, negative_prompt)"
        " VALUES (?, ?, ?, ?, ?)",
        (
            user_id,
            defaults.aspect,
            None if defaults.preset is None else defaults.preset.value,
            None if defaults.rating is None else int(defaults.rating),
            defaults.negative_prompt,
        ),
    )


async def forget(connection: Connection, *, user_id: int) -> None:
    """Remove what `user_id` had set."""
    await connection.execute("DELETE FROM user_defaults WHERE user_id = ?", (user_id,))

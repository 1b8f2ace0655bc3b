"""The `presets` table: requests that a person saved under names that differ by more than case."""

import unicodedata
from dataclasses import dataclass

from data.store.connection import Connection, Table
from pipeline.request import GenerationRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A saved request. `name` is spelled as its owner last wrote it."""

    name: str
    request: GenerationRequest


_PRESETS = Table(Preset, "presets", read={"request": GenerationRequest.from_json})


def key_of(name: str) -> str:
    """The comparison key of a name: case and width of letters don't matter."""
    return unicodedata.normalize("NFKC", name).casefold().strip()


async def save(
    connection: Connection, *, user_id: int, name: str, request: GenerationRequest, now: float
) -> None:
    """Save `request`, replacing what had this name."""
    await connection.execute(
        "INSERT INTO presets (user_id, key, name, request, saved_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (user_id, key) DO UPDATE SET"
        " name = excluded.name, request = excluded.request, saved_at = excluded.saved_at",
        (user_id, key_of(name), name, request.to_json(), now),
    )


async def get(connection: Connection, *, user_id: int, name: str) -> Preset | None:
    """The preset `name`, in any case, if there is one."""
    return await _PRESETS.one(connection, "WHERE user_id = ? AND key = ?", (user_id, key_of(name)))


async def of_user(connection: Connection, *, user_id: int) -> list[Preset]:
    """All presets of `user_id`, by name."""
    return await _PRESETS.many(connection, "WHERE user_id = ? ORDER BY key", (user_id,))


async def count(connection: Connection, *, user_id: int, without: str) -> int:
    """How many presets `user_id` has apart from the one named `without`."""
    return await connection.value(
        "SELECT COUNT(*) FROM presets WHERE user_id = ? AND key <> ?", (user_id, key_of(without))
    )


async def delete(connection: Connection, *, user_id: int, name: str) -> bool:
    """Delete a preset; False if there is none of this name."""
    return await connection.changes(
        "DELETE FROM presets WHERE user_id = ? AND key = ?", (user_id, key_of(name))
    )


async def forget(connection: Connection, *, user_id: int) -> None:
    """Remove all presets of `user_id`."""
    await connection.execute("DELETE FROM presets WHERE user_id = ?", (user_id,))

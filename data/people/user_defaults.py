"""The `user_defaults` table: a person's defaults for their requests."""

from dataclasses import dataclass

from data.store.connection import Connection, Table
from pipeline.card import QualityPreset, Speed
from pipeline.rating import Rating


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDefaults:
    """None and "": not set. `aspect` is what `parse_aspect` reads, such as `832x1216`. A `rating`
    above a place's ceiling is lowered to it. `lora` is what `parse_loras` reads. `seed`: None is a
    random one for each picture."""

    aspect: str | None = None
    preset: QualityPreset | None = None
    rating: Rating | None = None
    negative_prompt: str = ""
    lora: str = ""
    seed: int | None = None
    speed: Speed | None = None


def _preset(stored: str | None) -> QualityPreset | None:
    """A later version may have dropped one."""
    return QualityPreset(stored) if stored in list(QualityPreset) else None


def _speed(stored: str | None) -> Speed | None:
    """None also for one of a later version."""
    return Speed(stored) if stored in list(Speed) else None


def _rating(stored: int | None) -> Rating | None:
    return None if stored is None else Rating(stored)


_DEFAULTS = Table(
    UserDefaults, "user_defaults", read={"preset": _preset, "rating": _rating, "speed": _speed}
)


async def get(connection: Connection, *, user_id: int) -> UserDefaults:
    """The defaults of `user_id`."""
    found = await _DEFAULTS.one(connection, "WHERE user_id = ?", (user_id,))
    return found or UserDefaults()


async def put(connection: Connection, *, user_id: int, defaults: UserDefaults) -> None:
    """Replace the defaults of `user_id`."""
    await forget(connection, user_id=user_id)
    await _DEFAULTS.insert(connection, defaults, user_id=user_id)


async def forget(connection: Connection, *, user_id: int) -> None:
    """Remove the defaults of `user_id`."""
    await connection.execute("DELETE FROM user_defaults WHERE user_id = ?", (user_id,))

"""Who acts, and where."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """The person who looks, presses or decides. `guild_id` None: in a direct message, or the bot's
    owner acting for every server. `channel_id` 0: none. `is_moderator`: of the server."""

    user_id: int
    guild_id: int | None
    channel_id: int = 0
    is_moderator: bool = False

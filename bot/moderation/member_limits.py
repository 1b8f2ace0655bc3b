"""The limits of a member, from all their roles. Pure."""

from collections.abc import Iterable, Mapping

from data.guilds.server_settings import LIMIT_NAMES, LimitSet


def for_member(
    limits: Mapping[int, LimitSet], *, guild_id: int, role_ids: Iterable[int]
) -> LimitSet:
    """For each limit, the most generous that one of the roles sets, otherwise everyone's.

    Nobody has a role that was deleted in Discord, so its limits apply to nobody.
    """
    everyone = limits.get(guild_id, LimitSet())
    own = [limits[role] for role in role_ids if role in limits and role != guild_id]
    values: dict[str, int | None] = {}
    for name in LIMIT_NAMES:
        made = [value for each in own if (value := getattr(each, name)) is not None]
        values[name] = max(made) if made else getattr(everyone, name)
    return LimitSet(**values)

"""Which LoRAs a member may use, from all their roles. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.loras.names import key_of
from data.guilds.guild_loras import Allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraRule:
    """`names`: the keys of those that may be used; None: all."""

    names: Allowed = None

    def allows(self, name: str) -> bool:
        """Whether the LoRA of that name may be used."""
        return self.names is None or key_of(name) in self.names


def rule_for_member(
    made: Mapping[int, Allowed], *, guild_id: int, role_ids: Iterable[int]
) -> LoraRule:
    """What one of the member's roles allows, if any has a rule, otherwise what everyone may use.

    Nobody has a role that was deleted in Discord, so its rule applies to nobody.
    """
    own = [made[role] for role in role_ids if role in made and role != guild_id]
    if not own:
        return LoraRule(names=made.get(guild_id))
    names: set[str] = set()
    for each in own:
        if each is None:
            return LoraRule()
        names |= each
    return LoraRule(names=frozenset(names))

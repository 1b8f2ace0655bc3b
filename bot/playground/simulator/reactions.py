"""Adds and removes reactions, and notifies everybody."""

from collections.abc import Callable

from bot.playground.simulator import errors, limits
from bot.playground.simulator.errors import Json
from bot.playground.simulator.gateway import DIRECT_REACTIONS, GUILD_REACTIONS, Gateway
from bot.playground.simulator.payloads import member_json
from bot.playground.simulator.world import Message, World


class Reactions:
    """The reactions of all messages. `changed` notifies the members' feed of changes."""

    def __init__(
        self, world: World, gateway: Gateway, *, changed: Callable[[Message], None]
    ) -> None:
        self._world = world
        self._gateway = gateway
        self._changed = changed

    def react(
        self, message: Message, emoji: str, *, user_id: int, add: bool, burst: bool = False
    ) -> None:
        """Add or remove a reaction (`burst`: a super reaction). Idempotent."""
        kept = message.super_reactions if burst else message.reactions
        users = kept.setdefault(emoji, [])
        if add == (user_id in users):
            return
        kinds = sum(bool(who) for who in message.reactions.values())
        if add and not users and kinds >= limits.EMOJI_KINDS:
            raise errors.ApiError(403, 30010, "Maximum number of reactions reached (20)")
        users.append(user_id) if add else users.remove(user_id)
        channel = self._world.channel(message.channel_id)
        data: Json = {
            "user_id": str(user_id),
            "channel_id": str(channel.id),
            "message_id": str(message.id),
            "emoji": {"id": None, "name": emoji},
            "burst": burst,
            "type": int(burst),
        }
        intent = DIRECT_REACTIONS
        if channel.guild_id is not None:
            intent = GUILD_REACTIONS
            data["guild_id"] = str(channel.guild_id)
            if add:
                member = self._world.member(channel.guild_id, user_id)
                data["member"] = member_json(self._world, member)
        if add:
            data["message_author_id"] = str(message.author_id)
        name = "MESSAGE_REACTION_ADD" if add else "MESSAGE_REACTION_REMOVE"
        self._gateway.dispatch(name, data, intent=intent)
        self._changed(message)

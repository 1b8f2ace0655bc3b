"""Changes by a server's administrators in Discord itself, sent to the bot by the gateway."""

from bot.playground.simulator.errors import Json
from bot.playground.simulator.gateway import GUILD_MESSAGES, GUILD_REACTIONS, GUILDS
from bot.playground.simulator.payloads import guild_create_json, member_json, role_json
from bot.playground.simulator.posting import Posting
from bot.playground.simulator.world import Message, Role


class Changes:
    """Channels and roles made, changed and deleted; members given roles.

    A member's roles come with each of their interactions: without the privileged intent for
    members the gateway says nothing of them, but for the bot's own.
    """

    def __init__(self, posting: Posting) -> None:
        self._posting = posting
        self._world = posting.world
        self._gateway = posting.gateway

    def set_age_restricted(self, channel_id: int, *, on: bool) -> None:
        channel = self._world.channel(channel_id)
        channel.nsfw = on
        self._posting.tell_of(channel, "UPDATE")

    def delete_channel(self, channel_id: int) -> None:
        self._posting.delete_channel(self._world.channel(channel_id))

    def add_role(self, guild_id: int, name: str, *, permissions: int = 0) -> Role:
        guild = self._world.guild(guild_id)
        role = Role(
            id=self._world.new_id(),
            name=name,
            permissions=permissions,
            position=len(guild.roles),
        )
        guild.roles[role.id] = role
        payload = {"guild_id": str(guild_id), "role": role_json(role)}
        self._gateway.dispatch("GUILD_ROLE_CREATE", payload, intent=GUILDS)
        return role

    def delete_role(self, guild_id: int, role_id: int) -> None:
        guild = self._world.guild(guild_id)
        for member in guild.members.values():
            member.role_ids = [each for each in member.role_ids if each != role_id]
        del guild.roles[role_id]
        payload = {"guild_id": str(guild_id), "role_id": str(role_id)}
        self._gateway.dispatch("GUILD_ROLE_DELETE", payload, intent=GUILDS)

    def set_roles(self, guild_id: int, user_id: int, role_ids: list[int]) -> None:
        member = self._world.member(guild_id, user_id)
        member.role_ids = list(role_ids)
        if user_id == self._world.bot_user_id:
            payload = member_json(self._world, member) | {"guild_id": str(guild_id)}
            self._gateway.dispatch("GUILD_MEMBER_UPDATE", payload, intent=GUILDS)

    def set_tags(self, forum_id: int, tags: list[Json], *, required: bool = False) -> None:
        """The tags that a forum's posts may have, and whether they need one."""
        forum = self._world.channel(forum_id)
        forum.tags, forum.require_tag = tags, required
        self._posting.tell_of(forum, "UPDATE")

    def archive(self, thread_id: int, *, locked: bool = False) -> None:
        """Close a thread, as Discord does after a while, or (`locked`) a moderator permanently."""
        thread = self._world.channel(thread_id)
        thread.archived, thread.locked = True, locked
        self._posting.tell_of(thread, "UPDATE")

    def unlock(self, thread_id: int) -> None:
        """A moderator lets people open it again; it stays closed."""
        thread = self._world.channel(thread_id)
        thread.locked = False
        self._posting.tell_of(thread, "UPDATE")

    def outage(self, guild_id: int) -> None:
        """Discord loses sight of a server."""
        self._gateway.away.add(guild_id)
        payload = {"id": str(guild_id), "unavailable": True}
        self._gateway.dispatch("GUILD_DELETE", payload, intent=GUILDS)

    def recover(self, guild_id: int) -> None:
        """The server is there again, as it is now."""
        self._gateway.away.discard(guild_id)
        guild = self._world.guild(guild_id)
        payload = guild_create_json(self._world, guild, all_members=False)
        self._gateway.dispatch("GUILD_CREATE", payload, intent=GUILDS)

    def purge(self, messages: list[Message]) -> None:
        """A moderator deletes many messages of a channel: one event for all."""
        channel = self._world.channel(messages[0].channel_id)
        for message in messages:
            message.deleted_at = self._world.time()
            data: Json = {"id": str(message.id), "channel_id": str(channel.id)}
            self._posting.feed.publish(
                "message_delete", channel_id=channel.id, viewer=None, data=data
            )
        ids = [str(message.id) for message in messages]
        told: Json = {"ids": ids, "channel_id": str(channel.id), "guild_id": str(channel.guild_id)}
        self._gateway.dispatch("MESSAGE_DELETE_BULK", told, intent=GUILD_MESSAGES)

    def clear_reactions(self, message: Message, emoji: str | None = None) -> None:
        """A moderator takes all reactions away, or all of one emoji."""
        channel = self._world.channel(message.channel_id)
        data: Json = {
            "channel_id": str(channel.id),
            "message_id": str(message.id),
            "guild_id": str(channel.guild_id),
        }
        if emoji is None:
            message.reactions.clear()
            message.super_reactions.clear()
            self._gateway.dispatch("MESSAGE_REACTION_REMOVE_ALL", data, intent=GUILD_REACTIONS)
        else:
            message.reactions.pop(emoji, None)
            message.super_reactions.pop(emoji, None)
            data["emoji"] = {"id": None, "name": emoji}
            self._gateway.dispatch("MESSAGE_REACTION_REMOVE_EMOJI", data, intent=GUILD_REACTIONS)
        self._posting.show(message)

"""What a member does: commands, autocompletion, buttons, selects, modals, menus, reactions.

Used by the member driver of the tests and by the control routes of the page.
"""

from copy import copy
from typing import Any

from bot.playground.simulator import errors, limits
from bot.playground.simulator import permissions as p
from bot.playground.simulator.check_command import CHAT, MESSAGE_MENU, USER_MENU
from bot.playground.simulator.check_components import (
    BUTTON,
    ENTITY_SELECTS,
    LINK_STYLE,
    STRING_SELECT,
    USER_SELECT,
)
from bot.playground.simulator.check_message import Upload
from bot.playground.simulator.errors import Json, RefusedByClient
from bot.playground.simulator.feed import FeedEvent
from bot.playground.simulator.forms import check_selected, fill_modal, walk
from bot.playground.simulator.gateway import GUILDS
from bot.playground.simulator.interactions import Interactions
from bot.playground.simulator.options import Filled, OptionFiller, find_command, resolve
from bot.playground.simulator.payloads import guild_create_json
from bot.playground.simulator.posting import Body, Posting
from bot.playground.simulator.world import Channel, Interaction, InteractionType, Message, World


class Actions:
    """What any member can do. RefusedByClient for what the real client would not send."""

    def __init__(self, posting: Posting, interactions: Interactions) -> None:
        self.posting = posting
        self.interactions = interactions

    @property
    def world(self) -> World:
        return self.posting.world

    def speak(self, user_id: int, locale: str) -> None:
        """Choose the language of one's client."""
        if locale not in limits.LOCALES:
            raise RefusedByClient(f"the client has no language {locale!r}")
        self.world.user(user_id).locale = locale

    def invite(self, user_id: int, guild_id: int) -> None:
        """Invite the bot into a guild, which it sees as a new one."""
        if not p.base_permissions(self.world, guild_id, user_id) & p.MANAGE_GUILD:
            raise RefusedByClient("only who manages the server can add a bot to it")
        created = guild_create_json(self.world, self.world.guilds[guild_id], all_members=False)
        del created["unavailable"]  # Discord says it only of servers that the bot was in already
        self.posting.gateway.dispatch("GUILD_CREATE", created, intent=GUILDS)

    def channel_for(self, user_id: int, channel_id: int, *wanted: int) -> Channel:
        """A channel that the member sees, with the permissions `wanted`."""
        channel = self.world.channel(channel_id)
        bits = p.permissions_in(self.world, channel, user_id)
        for bit in (p.VIEW_CHANNEL, *wanted):
            if not bits & bit:
                raise RefusedByClient("this member can't do that in this channel")
        return channel

    def visible(self, user_id: int, channel_id: int) -> list[Message]:
        """Messages of a channel as this member sees them, oldest first."""
        self.channel_for(user_id, channel_id)
        found = self.world.messages_in(channel_id)
        return [m for m in found if m.ephemeral_for in {None, user_id}]

    def sees(self, user_id: int, event: FeedEvent) -> bool:
        """Whether this member sees what happened."""
        channel = self.world.channels.get(event.channel_id)
        if channel is None or event.viewer not in {None, user_id}:
            return False
        return p.may(self.world, channel, user_id, p.VIEW_CHANNEL)

    def message_for(self, user_id: int, message_id: int) -> Message:
        message = self.world.message(message_id)
        self.channel_for(user_id, message.channel_id)
        if message.ephemeral_for not in {None, user_id}:
            raise errors.unknown_message()
        return message

    def slash(
        self,
        user_id: int,
        name: str,
        values: dict[str, Any],
        *,
        channel_id: int,
        focused: str | None = None,
    ) -> Interaction:
        """`name` may hold subcommands: "style set". `focused`: the option that is being typed in;
        then `values` holds what is typed so far, and the bot is asked for choices."""
        first, *path = name.split()
        channel, command = self._command(user_id, first, CHAT, channel_id)
        filler = OptionFiller(self.world, self.posting.base_url, channel)
        if focused is not None:
            values = {focused: "", **values}
        data = _command_data(command, filler.fill_path(command, path, values, focused=focused))
        kind = InteractionType.COMMAND if focused is None else InteractionType.AUTOCOMPLETE
        return self.interactions.send(kind, data, user_id=user_id, channel=channel)

    def _command(self, user_id: int, name: str, kind: int, channel_id: int) -> tuple[Channel, Json]:
        channel = self.channel_for(user_id, channel_id, p.USE_APPLICATION_COMMANDS)
        bits = p.permissions_in(self.world, channel, user_id)
        return channel, find_command(self.world, name, kind, channel, bits)

    def message_command(self, user_id: int, name: str, message_id: int) -> Interaction:
        """A command from a message's context menu."""
        message = self.message_for(user_id, message_id)
        channel, command = self._command(user_id, name, MESSAGE_MENU, message.channel_id)
        resolved = {"messages": {str(message.id): self.posting.json(message, viewer=user_id)}}
        data = _command_data(command, Filled(resolved=resolved)) | {"target_id": str(message.id)}
        kind = InteractionType.COMMAND
        return self.interactions.send(kind, data, user_id=user_id, channel=channel)

    def user_command(
        self, user_id: int, name: str, target_id: int, *, channel_id: int
    ) -> Interaction:
        """A command from a user's context menu."""
        channel, command = self._command(user_id, name, USER_MENU, channel_id)
        filled = Filled()
        if not resolve(self.world, channel, target_id, filled.resolved, kind=USER_SELECT):
            raise errors.unknown_user()
        data = _command_data(command, filled) | {"target_id": str(target_id)}
        kind = InteractionType.COMMAND
        return self.interactions.send(kind, data, user_id=user_id, channel=channel)

    def press(self, user_id: int, message_id: int, custom_id: str) -> Interaction:
        """A button."""
        message = self.message_for(user_id, message_id)
        button = self._component(message, custom_id)
        if button["type"] != BUTTON or button.get("style") == LINK_STYLE:
            raise RefusedByClient(f"{custom_id!r} is no button")
        return self._component_used(user_id, message, button, {})

    def select(
        self, user_id: int, message_id: int, custom_id: str, values: list[str]
    ) -> Interaction:
        """Choices in a select menu, by value."""
        message = self.message_for(user_id, message_id)
        menu = self._component(message, custom_id)
        if menu["type"] != STRING_SELECT and menu["type"] not in ENTITY_SELECTS:
            raise RefusedByClient(f"{custom_id!r} is no select menu")
        check_selected(menu, values)
        extra: Json = {"values": values}
        if menu["type"] in ENTITY_SELECTS:
            channel = self.world.channel(message.channel_id)
            extra["resolved"] = found = dict[str, Json]()
            for value in values:
                if not resolve(self.world, channel, int(value), found, kind=menu["type"]):
                    raise RefusedByClient(f"the menu does not offer {value}")
        return self._component_used(user_id, message, menu, extra)

    def _component(self, message: Message, custom_id: str) -> Json:
        for component in walk(message.components):
            if component.get("custom_id") == custom_id:
                if component.get("disabled"):
                    raise RefusedByClient(f"{custom_id!r} is disabled")
                return component
        raise RefusedByClient(f"the message has no component {custom_id!r}")

    def _component_used(
        self, user_id: int, message: Message, component: Json, extra: Json
    ) -> Interaction:
        channel = self.channel_for(user_id, message.channel_id)
        data: Json = {
            "custom_id": component["custom_id"],
            "component_type": component["type"],
            "id": component.get("id", 0),
            **extra,
        }
        return self.interactions.send(
            InteractionType.COMPONENT,
            data,
            user_id=user_id,
            channel=channel,
            source_message_id=message.id,
        )

    def submit_modal(self, user_id: int, opener_id: int, values: dict[str, Any]) -> Interaction:
        """Fill in the modal that interaction `opener_id` was answered with, and send it."""
        opener = self.world.interactions.get(opener_id)
        if opener is None or opener.modal is None or opener.user_id != user_id:
            raise RefusedByClient("no such modal is open")
        data: Json = {
            "custom_id": opener.modal["custom_id"],
            "components": fill_modal(opener.modal, values),
        }
        return self.interactions.send(
            InteractionType.MODAL_SUBMIT,
            data,
            user_id=user_id,
            channel=self.world.channel(opener.channel_id),
            source_message_id=opener.source_message_id,
            opener_id=opener.id,
        )

    def react(
        self, user_id: int, message_id: int, emoji: str, *, add: bool = True, burst: bool = False
    ) -> None:
        message = self.message_for(user_id, message_id)
        if message.ephemeral_for is not None:
            raise RefusedByClient("ephemeral messages take no reactions")
        self.channel_for(user_id, message.channel_id, p.ADD_REACTIONS)
        self.posting.reactions.react(message, emoji, user_id=user_id, add=add, burst=burst)

    def say(
        self, user_id: int, channel_id: int, content: str, uploads: list[Upload] | None = None
    ) -> Message:
        """An ordinary message of a person."""
        channel = self.channel_for(user_id, channel_id, p.SEND_MESSAGES)
        body = Body(json={"content": content}, uploads=dict(enumerate(uploads or [])))
        return self.posting.create(channel, body, author_id=user_id)

    def forward(self, user_id: int, message_id: int, channel_id: int) -> Message:
        """Forward a message to a channel; the copy keeps what the message holds now."""
        original = copy(self.message_for(user_id, message_id))
        channel = self.channel_for(user_id, channel_id, p.SEND_MESSAGES)
        return self.posting.create(channel, Body(), author_id=user_id, forwarded=original)

    def delete(self, user_id: int, message_id: int) -> None:
        """Delete one's own message, dismiss an ephemeral one, or any as a moderator."""
        message = self.message_for(user_id, message_id)
        if user_id not in {message.author_id, message.ephemeral_for}:
            self.channel_for(user_id, message.channel_id, p.MANAGE_MESSAGES)
        self.posting.delete(message)


def _command_data(command: Json, filled: Filled) -> Json:
    data: Json = {"id": command["id"], "name": command["name"], "type": command["type"]}
    if filled.options:
        data["options"] = filled.options
    if filled.resolved:
        data["resolved"] = filled.resolved
    return data

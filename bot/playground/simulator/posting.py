"""Creates, edits and deletes messages, and notifies everybody. The only place that does."""

import struct
from dataclasses import dataclass, field
from typing import Any

from bot.playground.simulator import errors, limits
from bot.playground.simulator import permissions as p
from bot.playground.simulator.check_message import Upload, check_message
from bot.playground.simulator.errors import Json, as_list
from bot.playground.simulator.feed import Feed
from bot.playground.simulator.gateway import DIRECT_MESSAGES, GUILD_MESSAGES, GUILDS, Gateway
from bot.playground.simulator.kept_components import as_discord_keeps
from bot.playground.simulator.message_payloads import message_json
from bot.playground.simulator.payloads import channel_json, member_json
from bot.playground.simulator.reactions import Reactions
from bot.playground.simulator.world import (
    THREADS,
    Attachment,
    Channel,
    Interaction,
    Message,
    World,
)


@dataclass(slots=True, kw_only=True)
class Body:
    """A request body: the JSON and its files by number."""

    json: Json = field(default_factory=dict[str, Any])
    uploads: dict[int, Upload] = field(default_factory=dict[int, Upload])


class Posting:
    """Creates, edits and deletes messages in the world."""

    def __init__(self, world: World, gateway: Gateway, feed: Feed) -> None:
        self.world = world
        self.gateway = gateway
        self.feed = feed
        self.reactions = Reactions(world, gateway, changed=self.show)
        self._nonces: dict[tuple[int, str], tuple[float, int]] = {}

    @property
    def base_url(self) -> str:
        return self.gateway.base_url

    def create(
        self,
        channel: Channel,
        body: Body,
        *,
        author_id: int,
        interaction: Interaction | None = None,
        ephemeral: bool = False,
        loading: bool = False,
        message_id: int | None = None,
        forwarded: Message | None = None,
    ) -> Message:
        """Post a message. A repeated nonce with `enforce_nonce` gives the first one again.
        `message_id`: of a forum post's first message, which has the thread's."""
        repeated = self._repeated(channel, body.json)
        if repeated is not None:
            return repeated
        flags = int(body.json.get("flags") or 0)
        check_message(body.json, body.uploads)
        if not loading and forwarded is None and not _has_something(body):
            raise errors.empty_message()
        flags &= ~limits.EPHEMERAL
        flags |= limits.EPHEMERAL if ephemeral else 0
        flags |= limits.LOADING if loading else 0
        message = Message(
            id=message_id or self.world.new_id(),
            channel_id=channel.id,
            forwarded=forwarded,
            author_id=author_id,
            created_at=self.world.time(),
            flags=flags,
            type=_type_of(interaction, body.json),
            nonce=body.json.get("nonce"),
            interaction_id=interaction.id if interaction else None,
            ephemeral_for=interaction.user_id if interaction and ephemeral else None,
            reply_to=_reply_of(body.json),
        )
        self._fill(message, body)
        self.world.messages[message.id] = message
        if not ephemeral:
            channel.last_message_id = message.id
        if body.json.get("nonce") is not None:
            self._forget_nonces()
            key = channel.id, str(body.json["nonce"])
            self._nonces[key] = self.world.time(), message.id
        self._tell("MESSAGE_CREATE", message)
        return message

    def _forget_nonces(self) -> None:
        """Those whose time is over: they are in the order of their messages."""
        before = self.world.time() - limits.NONCE_LIFETIME_S
        while self._nonces:
            key = next(iter(self._nonces))
            if self._nonces[key][0] > before:
                return
            del self._nonces[key]

    def _repeated(self, channel: Channel, body: Json) -> Message | None:
        if body.get("nonce") is None or not body.get("enforce_nonce"):
            return None
        at, message_id = self._nonces.get((channel.id, str(body["nonce"])), (0.0, 0))
        fresh = self.world.time() - at < limits.NONCE_LIFETIME_S
        return self.world.messages[message_id] if message_id and fresh else None

    def edit(self, message: Message, body: Body) -> None:
        """Change what the body names. `attachments` lists what stays plus what is new."""
        flags = int(body.json.get("flags") or 0)
        known = [attachment.id for attachment in message.attachments]
        check_message(body.json, body.uploads, known_attachments=known)
        after = self._after(message, body)
        if not any(after):
            raise errors.empty_message()
        if after[2] > limits.FILES:
            raise errors.invalid(("attachments",), "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer.")
        message.flags &= ~limits.LOADING
        if "flags" in body.json:
            suppress = flags & limits.SUPPRESS_EMBEDS
            message.flags = message.flags & ~limits.SUPPRESS_EMBEDS | suppress
        self._fill(message, body)
        message.edited_at = self.world.time()
        self._tell("MESSAGE_UPDATE", message)

    def _after(self, message: Message, body: Body) -> tuple[int, int, int, int]:
        """How much content, embeds, attachments and components there will be."""
        content = body.json.get("content", message.content)
        embeds = body.json.get("embeds", message.embeds)
        components = body.json.get("components", message.components)
        listed: list[Any] = body.json.get("attachments", message.attachments) or []
        fresh = 0 if body.json.get("attachments") is not None else len(body.uploads)
        return (
            len(content or ""),
            len(embeds or []),
            len(listed) + fresh,
            len(components or []),
        )

    def _fill(self, message: Message, body: Body) -> None:
        if "content" in body.json:
            message.content = body.json["content"] or ""
            self._set_mentions(message, body.json.get("allowed_mentions"))
        if "embeds" in body.json:
            message.embeds = list(body.json["embeds"] or [])
        if "components" in body.json:
            message.components = as_discord_keeps(body.json["components"] or [])
        self._set_attachments(message, body)

    def _set_attachments(self, message: Message, body: Body) -> None:
        entries: list[Json] | None = body.json.get("attachments")
        if entries is None:
            entries = [{"id": number} for number in sorted(body.uploads)]
            result = list(message.attachments)
        else:
            result = []
        by_id = {attachment.id: attachment for attachment in message.attachments}
        for entry in entries:
            number = int(entry["id"])
            if number in by_id:
                result.append(by_id[number])
            elif number in body.uploads:
                fresh = attachment_of(self.world.new_id(), body.uploads[number], entry)
                fresh.ephemeral = bool(message.ephemeral_for)
                result.append(fresh)
        message.attachments = result

    def _set_mentions(self, message: Message, allowed: Json | None) -> None:
        """Whom the text pings, within `allowed_mentions` (None: everyone named)."""
        allowed = {"parse": ["users", "roles", "everyone"]} if allowed is None else allowed
        parse = as_list(allowed.get("parse"))
        users = {int(i) for i in as_list(allowed.get("users"))}
        roles = {int(i) for i in as_list(allowed.get("roles"))}
        text = message.content
        message.mention_ids = [
            user_id
            for user_id in self.world.users
            if (f"<@{user_id}>" in text or f"<@!{user_id}>" in text)
            and ("users" in parse or user_id in users)
        ]
        message.mention_role_ids = [
            role_id
            for guild in self.world.guilds.values()
            for role_id in guild.roles
            if f"<@&{role_id}>" in text and ("roles" in parse or role_id in roles)
        ]
        channel = self.world.channel(message.channel_id)
        loud = "@everyone" in text or "@here" in text
        may = p.may(self.world, channel, message.author_id, p.MENTION_EVERYONE)
        message.mention_everyone = loud and "everyone" in parse and may

    def delete(self, message: Message) -> None:
        message.deleted_at = self.world.time()
        channel = self.world.channel(message.channel_id)
        data: Json = {"id": str(message.id), "channel_id": str(channel.id)}
        if channel.guild_id is not None:
            data["guild_id"] = str(channel.guild_id)
        if message.ephemeral_for is None:
            intent = DIRECT_MESSAGES if channel.guild_id is None else GUILD_MESSAGES
            self.gateway.dispatch("MESSAGE_DELETE", data, intent=intent)
        viewer = message.ephemeral_for
        self.feed.publish("message_delete", channel_id=channel.id, viewer=viewer, data=data)

    def delete_channel(self, channel: Channel) -> None:
        """The channel with its threads and all messages in them."""
        known = list(self.world.channels.values())
        for gone in [each for each in known if channel.id in {each.id, each.parent_id}]:
            for message in self.world.messages_in(gone.id):
                message.deleted_at = self.world.time()
            del self.world.channels[gone.id]
        self.tell_of(channel, "DELETE")

    def tell_of(self, channel: Channel, change: str) -> Json:
        """Send the bot an event of a channel or thread: CREATE, UPDATE or DELETE. Returns JSON."""
        payload = channel_json(self.world, channel)
        kind = "THREAD" if channel.type in THREADS else "CHANNEL"
        self.gateway.dispatch(f"{kind}_{change}", payload, intent=GUILDS)
        return payload

    def json(self, message: Message, *, viewer: int | None = None) -> Json:
        return message_json(self.world, self.base_url, message, viewer=viewer)

    def show(self, message: Message, kind: str = "message_update") -> None:
        """Send members the current state of a message."""
        viewer = message.ephemeral_for
        data = self.json(message, viewer=viewer)
        self.feed.publish(kind, channel_id=message.channel_id, viewer=viewer, data=data)

    def _tell(self, name: str, message: Message) -> None:
        self.show(message, name.lower())
        if message.ephemeral_for is not None:
            return  # the gateway does not send ephemeral messages
        channel = self.world.channel(message.channel_id)
        data = self.json(message) | {"channel_type": int(channel.type)}
        if channel.guild_id is not None:
            member = self.world.member(channel.guild_id, message.author_id)
            data["guild_id"] = str(channel.guild_id)
            data["member"] = member_json(self.world, member, with_user=False)
        self.gateway.dispatch_message(name, data, in_guild=channel.guild_id is not None)


def _has_something(body: Body) -> bool:
    names = ("content", "embeds", "components", "sticker_ids", "poll")
    return bool(body.uploads) or any(body.json.get(name) for name in names)


def _type_of(interaction: Interaction | None, body: Json) -> int:
    if interaction is not None:
        return 23 if interaction.data.get("type") in {2, 3} else 20 if interaction.type == 2 else 19
    return 19 if body.get("message_reference") else 0


def _reply_of(body: Json) -> int | None:
    reference = body.get("message_reference")
    return int(reference["message_id"]) if reference else None


def attachment_of(attachment_id: int, upload: Upload, entry: Json) -> Attachment:
    """A stored file. Width and height are read from a PNG's header."""
    width = height = None
    if upload.data[:8] == b"\x89PNG\r\n\x1a\n" and len(upload.data) >= 24:
        width, height = struct.unpack(">II", upload.data[16:24])
    return Attachment(
        id=attachment_id,
        filename=str(entry.get("filename") or upload.filename),
        content_type=upload.content_type,
        data=upload.data,
        description=entry.get("description"),
        width=width,
        height=height,
    )

"""The state of the simulated Discord: users, guilds, channels, messages, interactions."""

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from bot.playground.simulator import errors
from bot.playground.simulator.errors import Json

DISCORD_EPOCH_MS = 1_420_070_400_000


class ChannelType(IntEnum):
    """Discord's channel types that exist here."""

    TEXT = 0
    DM = 1
    CATEGORY = 4
    PUBLIC_THREAD = 11
    PRIVATE_THREAD = 12
    FORUM = 15


THREADS = frozenset({ChannelType.PUBLIC_THREAD, ChannelType.PRIVATE_THREAD})


class InteractionType(IntEnum):
    """Discord's interaction types."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL_SUBMIT = 5


@dataclass(slots=True, kw_only=True)
class User:
    """`accepts_dms`: whether the bot may write to them directly. `locale`: of their client."""

    id: int
    username: str
    global_name: str | None = None
    bot: bool = False
    accepts_dms: bool = True
    locale: str = "en-US"


@dataclass(slots=True, kw_only=True)
class Role:
    """`permissions`: bits, see `permissions`."""

    id: int
    name: str
    permissions: int
    position: int = 0
    color: int = 0


@dataclass(slots=True, kw_only=True)
class Member:
    """A user in a guild. `boosting_since`: s since 1970, None for whoever does not boost it."""

    user_id: int
    role_ids: list[int] = field(default_factory=list[int])
    nick: str | None = None
    joined_at: float = 0.0
    boosting_since: float | None = None


@dataclass(slots=True, kw_only=True)
class Guild:
    """`roles` and `members` by id; @everyone has the guild's id. Only one whose `features` have
    COMMUNITY chooses its `preferred_locale`."""

    id: int
    name: str
    owner_id: int
    roles: dict[int, Role] = field(default_factory=dict[int, Role])
    members: dict[int, Member] = field(default_factory=dict[int, Member])
    features: list[str] = field(default_factory=list[str])
    preferred_locale: str = "en-US"
    system_channel_id: int | None = None  # where newcomers are greeted


@dataclass(slots=True, kw_only=True)
class Channel:
    """Of a guild, a thread in one (`parent_id`), or direct (`recipient_ids` without the bot)."""

    id: int
    type: int
    name: str = ""
    guild_id: int | None = None
    parent_id: int | None = None
    nsfw: bool = False
    topic: str | None = None
    position: int = 0
    overwrites: list[Json] = field(default_factory=list[Json])
    recipient_ids: list[int] = field(default_factory=list[int])
    owner_id: int | None = None
    archived: bool = False
    locked: bool = False
    tags: list[Json] = field(default_factory=list[Json])  # of a forum: `id`, `name`, `moderated`
    require_tag: bool = False
    applied_tags: list[int] = field(default_factory=list[int])  # of a forum's post
    last_message_id: int | None = None


@dataclass(slots=True, kw_only=True)
class Attachment:
    """A stored file. Width and height in pixels, None if it is no picture."""

    id: int
    filename: str
    content_type: str
    data: bytes = field(repr=False)
    description: str | None = None
    width: int | None = None
    height: int | None = None
    ephemeral: bool = False


@dataclass(slots=True, kw_only=True)
class Message:
    """`ephemeral_for`: the only user who sees it. `interaction_id`: what it answers. `forwarded`:
    the message as it was when this one forwarded it."""

    id: int
    channel_id: int
    author_id: int
    created_at: float
    content: str = ""
    embeds: list[Json] = field(default_factory=list[Json])
    attachments: list[Attachment] = field(default_factory=list[Attachment])
    components: list[Json] = field(default_factory=list[Json])
    flags: int = 0
    type: int = 0
    edited_at: float | None = None
    nonce: str | int | None = None
    reactions: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    super_reactions: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    mention_ids: list[int] = field(default_factory=list[int])
    mention_role_ids: list[int] = field(default_factory=list[int])
    mention_everyone: bool = False
    interaction_id: int | None = None
    ephemeral_for: int | None = None
    reply_to: int | None = None
    forwarded: "Message | None" = None
    deleted_at: float | None = None


@dataclass(slots=True, kw_only=True)
class Interaction:
    """`callback_type`: how it was acknowledged. `ephemeral` is fixed by the first response."""

    id: int
    token: str = field(repr=False)
    type: InteractionType
    user_id: int
    channel_id: int
    guild_id: int | None
    data: Json
    created_at: float
    sent_monotonic: float
    source_message_id: int | None = None
    user_install_only: bool = False
    opener_id: int | None = None  # of a modal submit: what the modal answered
    callback_type: int | None = None
    acknowledged_after_s: float | None = None
    ephemeral: bool = False
    response_message_id: int | None = None
    modal: Json | None = None
    choices: list[Json] | None = None
    followup_ids: list[int] = field(default_factory=list[int])


class World:
    """All state, by id. `now` is the clock for deadlines and timestamps: seconds since 1970."""

    def __init__(self, *, now: Callable[[], float] = time.time, bot_user_id: int = 0) -> None:
        self.now = now
        self.offset_s = 0.0
        self.bot_user_id = bot_user_id
        self.users: dict[int, User] = {}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.messages: dict[int, Message] = {}
        self.interactions: dict[int, Interaction] = {}
        self.commands: dict[int, Json] = {}
        self.uploads: dict[int, Attachment] = {}
        self.secret = secrets.token_bytes(16)
        self.redirect_uris: list[str] = []  # of the application, for signing in elsewhere
        self._last_id = 0

    def time(self) -> float:
        """Now, with what tests have added by `advance`."""
        return self.now() + self.offset_s

    def advance(self, seconds: float) -> None:
        """Let time pass for tokens, deadlines, nonces and CDN links."""
        self.offset_s += seconds

    def new_id(self) -> int:
        """A snowflake: later ones are greater, also within one millisecond."""
        fresh = max(int(self.time() * 1000) - DISCORD_EPOCH_MS, 0) << 22
        self._last_id = max(fresh, self._last_id + 1)
        return self._last_id

    def seen_id(self, used: int) -> None:
        """Never return `used` or an earlier one again (after loading)."""
        self._last_id = max(self._last_id, used)

    @property
    def application_id(self) -> int:
        return self.bot_user_id

    def user(self, user_id: int) -> User:
        if user_id not in self.users:
            raise errors.unknown_user()
        return self.users[user_id]

    def guild(self, guild_id: int) -> Guild:
        if guild_id not in self.guilds:
            raise errors.unknown_guild()
        return self.guilds[guild_id]

    def channel(self, channel_id: int) -> Channel:
        if channel_id not in self.channels:
            raise errors.unknown_channel()
        return self.channels[channel_id]

    def message(self, message_id: int, *, channel_id: int | None = None) -> Message:
        """A message that was not deleted."""
        found = self.messages.get(message_id)
        elsewhere = found and channel_id is not None and found.channel_id != channel_id
        if found is None or found.deleted_at is not None or elsewhere:
            raise errors.unknown_message()
        return found

    def member(self, guild_id: int, user_id: int) -> Member:
        members = self.guild(guild_id).members
        if user_id not in members:
            raise errors.unknown_member()
        return members[user_id]

    def channels_of(self, guild_id: int) -> list[Channel]:
        return [channel for channel in self.channels.values() if channel.guild_id == guild_id]

    def messages_in(self, channel_id: int) -> Iterator[Message]:
        """Messages that were not deleted, oldest first, including those that only one user sees."""
        for message in self.messages.values():
            if message.channel_id == channel_id and message.deleted_at is None:
                yield message

    def dm_with(self, user_id: int) -> Channel:
        """The direct channel between the bot and a user; made if there is none."""
        self.user(user_id)
        for channel in self.channels.values():
            if channel.type == ChannelType.DM and channel.recipient_ids == [user_id]:
                return channel
        channel = Channel(id=self.new_id(), type=ChannelType.DM, recipient_ids=[user_id])
        self.channels[channel.id] = channel
        return channel

    def is_age_restricted(self, channel: Channel) -> bool:
        """Threads inherit it from their parent."""
        if channel.type in THREADS and channel.parent_id in self.channels:
            return self.channels[channel.parent_id].nsfw
        return channel.nsfw

    def commands_by_name(self) -> dict[tuple[str, int], Json]:
        """The command that a member finds by name and kind."""
        return {(command["name"], command["type"]): command for command in self.commands.values()}

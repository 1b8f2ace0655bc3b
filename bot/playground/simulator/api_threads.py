"""Routes of threads and forums: create, list, archive and delete them; and deleting channels."""

from typing import Any

from aiohttp import web

from bot.playground.simulator import errors
from bot.playground.simulator import permissions as p
from bot.playground.simulator.api import Area, id_of
from bot.playground.simulator.bodies import read_body
from bot.playground.simulator.errors import FormErrors
from bot.playground.simulator.middleware import reply
from bot.playground.simulator.payloads import channel_json
from bot.playground.simulator.posting import Body
from bot.playground.simulator.world import THREADS, Channel, ChannelType

_ARCHIVED_PAGE = 100  # the maximum that Discord returns at once
_MAX_TAGS = 5


class ThreadsApi(Area):
    """Handlers; channels are looked up as `api` does."""

    def table(self) -> list[tuple[str, str, Any]]:
        channel = "/channels/{channel}"
        return [
            ("POST", channel + "/threads", self.start),
            ("GET", channel + "/threads/archived/public", self.archived),
            ("GET", "/guilds/{guild}/threads/active", self.active),
            ("PATCH", channel, self.edit),
            ("DELETE", channel, self.delete),
        ]

    async def start(self, request: web.Request) -> web.Response:
        """A thread of a text channel, or a forum's post with its first message."""
        body = await read_body(request)
        parent = self.channel_for(request)
        form = FormErrors()
        form.length(("name",), body.json.get("name"), low=1, high=100)
        form.finish()
        if parent.type == ChannelType.FORUM:
            return self._post(parent, body)
        self.demand(parent, p.CREATE_PUBLIC_THREADS)
        kind = int(body.json.get("type") or ChannelType.PUBLIC_THREAD)
        thread = self._thread(parent, body.json["name"], kind)
        return reply(self.posting.tell_of(thread, "CREATE"), status=201)

    def _post(self, forum: Channel, body: Body) -> web.Response:
        """The first message has the thread's id. It takes no nonce."""
        message = body.json.get("message")
        if not isinstance(message, dict):
            raise errors.invalid(("message",), "BASE_TYPE_REQUIRED", "This field is required")
        first = Body(json=message, uploads=body.uploads)  # pyright: ignore[reportUnknownArgumentType]
        wanted = p.SEND_MESSAGES
        wanted |= p.ATTACH_FILES if first.uploads else 0
        wanted |= p.EMBED_LINKS if first.json.get("embeds") else 0
        self.demand(forum, wanted)
        tags = _applied_tags(forum, body.json.get("applied_tags") or [])
        thread = self._thread(forum, body.json["name"], ChannelType.PUBLIC_THREAD)
        thread.applied_tags = tags
        posting = self.posting
        try:
            posted = posting.create(
                thread, first, author_id=self.world.bot_user_id, message_id=thread.id
            )
        except errors.ApiError:
            del self.world.channels[thread.id]
            raise
        payload = self.posting.tell_of(thread, "CREATE")
        return reply(payload | {"message": posting.json(posted)}, status=201)

    def _thread(self, parent: Channel, name: str, kind: int) -> Channel:
        thread = Channel(
            id=self.world.new_id(),
            type=kind,
            name=name,
            guild_id=parent.guild_id,
            parent_id=parent.id,
            owner_id=self.world.bot_user_id,
        )
        self.world.channels[thread.id] = thread
        return thread

    async def active(self, request: web.Request) -> web.Response:
        """The newest first."""
        guild_id = self.world.guild(id_of(request, "guild")).id
        found = [
            channel
            for channel in self.world.channels_of(guild_id)
            if channel.type in THREADS and not channel.archived
        ]
        return self._listed(found)

    async def archived(self, request: web.Request) -> web.Response:
        parent = self.channel_for(request, p.READ_MESSAGE_HISTORY)
        found = [
            channel
            for channel in self.world.channels.values()
            if channel.parent_id == parent.id and channel.archived
        ]
        return self._listed(found[-_ARCHIVED_PAGE:])

    def _listed(self, found: list[Channel]) -> web.Response:
        threads = [channel_json(self.world, channel) for channel in reversed(found)]
        return reply({"threads": threads, "members": [], "has_more": False})

    async def edit(self, request: web.Request) -> web.Response:
        """Archive a thread: for its creator and for moderators of threads. Everybody who may write
        in it can reopen it, unless it is locked."""
        channel = self.channel_for(request)
        body = await read_body(request)
        if channel.type not in THREADS:
            raise errors.missing_permissions()  # nothing else is changed by the bot
        archived = bool(body.json.get("archived", channel.archived))
        if channel.locked or (archived and channel.owner_id != self.world.bot_user_id):
            self.demand(channel, p.MANAGE_THREADS)
        channel.archived = archived
        return reply(self.posting.tell_of(channel, "UPDATE"))

    async def delete(self, request: web.Request) -> web.Response:
        channel = self.channel_for(request)
        wanted = p.MANAGE_THREADS if channel.type in THREADS else p.MANAGE_CHANNELS
        self.demand(channel, wanted)
        payload = channel_json(self.world, channel)
        self.posting.delete_channel(channel)
        return reply(payload)


def _applied_tags(forum: Channel, wanted: Any) -> list[int]:
    """At most five of the forum's own; at least one where it demands that."""
    known = {str(tag["id"]) for tag in forum.tags}
    named = [str(tag) for tag in wanted] if isinstance(wanted, list) else []  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if len(named) > _MAX_TAGS:
        words = f"Must be {_MAX_TAGS} or fewer in length."
        raise errors.invalid(("applied_tags",), "BASE_TYPE_MAX_LENGTH", words)
    if not known.issuperset(named):
        raise errors.ApiError(400, 10087, "Unknown tag")
    if forum.require_tag and not named:
        raise errors.ApiError(
            400, 40067, "A tag is required to create a forum post in this channel"
        )
    return [int(tag) for tag in named]

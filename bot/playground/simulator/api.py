"""The routes of the HTTP API that the bot uses."""

from typing import Any

from aiohttp import web

from bot.playground.simulator import errors, limits
from bot.playground.simulator import permissions as p
from bot.playground.simulator.bodies import read_body, read_json
from bot.playground.simulator.interactions import Interactions
from bot.playground.simulator.may_post import check_may_post, check_reference
from bot.playground.simulator.middleware import API, reply
from bot.playground.simulator.oauth import whose
from bot.playground.simulator.payloads import (
    application_json,
    channel_json,
    guild_json,
    member_json,
    user_json,
)
from bot.playground.simulator.posting import Posting
from bot.playground.simulator.world import Channel, Message

_REACTIONS_PAGE = 25  # Discord's default; at most 100


def id_of(request: web.Request, name: str) -> int:
    """A snowflake from the path."""
    value = request.match_info[name]
    if not value.isdecimal():
        raise errors.invalid((name,), "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')
    return int(value)


class Area:
    """Handlers of some routes, and what they look up. ApiError for what the bot may not reach."""

    def __init__(self, posting: Posting) -> None:
        self.posting = posting
        self.world = posting.world

    def table(self) -> list[tuple[str, str, Any]]:
        """Method, path and handler of each route."""
        raise NotImplementedError

    def routes(self) -> list[web.RouteDef]:
        return [web.route(verb, API + path, call) for verb, path, call in self.table()]

    def channel_for(self, request: web.Request, *wanted: int) -> Channel:
        """A channel that the bot sees, with the permissions `wanted`."""
        channel = self.world.channel(id_of(request, "channel"))
        if not p.may(self.world, channel, self.world.bot_user_id, p.VIEW_CHANNEL):
            raise errors.missing_access()
        self.demand(channel, *wanted)
        return channel

    def demand(self, channel: Channel, *wanted: int) -> None:
        """ApiError unless the bot has all of `wanted` there."""
        for bits in wanted:
            if not p.may(self.world, channel, self.world.bot_user_id, bits):
                raise errors.missing_permissions()

    def message_for(self, request: web.Request, channel: Channel) -> Message:
        """A message that the bot can fetch: ephemeral ones are not there for its token."""
        message = self.world.message(id_of(request, "message"), channel_id=channel.id)
        if message.ephemeral_for is not None:
            raise errors.unknown_message()
        return message


class Api(Area):
    """Users, servers, channels, messages, and what answers interactions."""

    def __init__(self, posting: Posting, interactions: Interactions) -> None:
        super().__init__(posting)
        self.interactions = interactions

    def table(self) -> list[tuple[str, str, Any]]:
        channel, message = "/channels/{channel}", "/channels/{channel}/messages/{message}"
        hook, own = "/webhooks/{application}/{token}", "/webhooks/{application}/{token}/messages/"
        return [
            ("GET", "/gateway", self.gateway),
            ("GET", "/gateway/bot", self.gateway_bot),
            ("GET", "/users/@me", self.me),
            ("POST", "/users/@me/channels", self.open_dm),
            ("GET", "/applications/@me", self.application),
            ("GET", "/oauth2/applications/@me", self.application),
            ("GET", "/guilds/{guild}", self.guild),
            ("GET", "/guilds/{guild}/members/{user}", self.member),
            ("GET", channel, self.channel),
            ("GET", channel + "/messages", self.messages),
            ("POST", channel + "/messages", self.post),
            ("GET", message, self.one_message),
            ("PATCH", message, self.edit),
            ("DELETE", message, self.delete),
            ("GET", message + "/reactions/{emoji}", self.who_reacted),
            ("POST", "/interactions/{id}/{token}/callback", self.callback),
            ("POST", hook, self.follow_up),
            ("GET", own + "{which}", self.get_own),
            ("PATCH", own + "{which}", self.edit_own),
            ("DELETE", own + "{which}", self.delete_own),
        ]

    # -- the bot, its application, users and guilds

    async def gateway(self, _request: web.Request) -> web.Response:
        return reply({"url": self.posting.gateway.url})

    async def gateway_bot(self, _request: web.Request) -> web.Response:
        gateway = self.posting.gateway
        start = gateway.sharding.start_limit()
        found = {"url": gateway.url, "shards": gateway.sharding.shards}
        return reply(found | {"session_start_limit": start})

    async def me(self, request: web.Request) -> web.Response:
        return reply(whose(request, self.world))

    async def application(self, _request: web.Request) -> web.Response:
        return reply(application_json(self.world))

    async def guild(self, request: web.Request) -> web.Response:
        guild = self.world.guild(id_of(request, "guild"))
        if self.world.bot_user_id not in guild.members:
            raise errors.missing_access()
        payload = guild_json(guild)
        if request.query.get("with_counts") in {"1", "true"}:
            count = len(guild.members)
            payload |= {"approximate_member_count": count, "approximate_presence_count": count}
        return reply(payload)

    async def member(self, request: web.Request) -> web.Response:
        member = self.world.member(id_of(request, "guild"), id_of(request, "user"))
        return reply(member_json(self.world, member))

    # -- channels

    async def open_dm(self, request: web.Request) -> web.Response:
        body = await read_json(request)
        user_id = int(body.get("recipient_id") or 0)
        if user_id not in self.world.users or user_id == self.world.bot_user_id:
            message = "Invalid Recipient(s)"
            raise errors.ApiError(400, 50033, message)
        return reply(channel_json(self.world, self.world.dm_with(user_id)))

    async def channel(self, request: web.Request) -> web.Response:
        return reply(channel_json(self.world, self.channel_for(request)))

    # -- messages

    async def messages(self, request: web.Request) -> web.Response:
        channel = self.channel_for(request, p.READ_MESSAGE_HISTORY)
        try:
            limit = int(request.query.get("limit", "50"))
        except ValueError:
            limit = 0
        if not 1 <= limit <= 100:
            message = "int value should be between 1 and 100."
            raise errors.invalid(("limit",), "NUMBER_TYPE_MAX", message)
        found = [m for m in self.world.messages_in(channel.id) if m.ephemeral_for is None]
        if "after" in request.query:
            after = int(request.query["after"])
            found = [m for m in found if m.id > after][:limit]
        elif "before" in request.query:
            found = [m for m in found if m.id < int(request.query["before"])]
        return reply([self.posting.json(m) for m in reversed(found[-limit:])])

    async def one_message(self, request: web.Request) -> web.Response:
        channel = self.channel_for(request, p.READ_MESSAGE_HISTORY)
        return reply(self.posting.json(self.message_for(request, channel)))

    async def post(self, request: web.Request) -> web.Response:
        channel = self.channel_for(request)
        body = await read_body(request)
        check_may_post(self.world, channel, body)
        if int(body.json.get("flags") or 0) & limits.EPHEMERAL:
            message = "Only answers to interactions can be ephemeral."
            raise errors.invalid(("flags",), "MESSAGE_FLAGS_INVALID", message)
        check_reference(self.world, channel, body.json)
        message = self.posting.create(channel, body, author_id=self.world.bot_user_id)
        if channel.archived:  # a new message opens it
            channel.archived = False
            self.posting.tell_of(channel, "UPDATE")
        return reply(self.posting.json(message))

    async def edit(self, request: web.Request) -> web.Response:
        channel = self.channel_for(request)
        message = self.message_for(request, channel)
        body = await read_body(request)
        if message.author_id != self.world.bot_user_id:
            raise errors.not_the_author()
        if channel.archived:
            raise errors.thread_archived()
        self.posting.edit(message, body)
        return reply(self.posting.json(message))

    async def delete(self, request: web.Request) -> web.Response:
        channel = self.channel_for(request)
        message = self.message_for(request, channel)
        own = message.author_id == self.world.bot_user_id
        if not own and not p.may(self.world, channel, self.world.bot_user_id, p.MANAGE_MESSAGES):
            raise errors.missing_permissions()
        if channel.archived:
            raise errors.thread_archived()
        self.posting.delete(message)
        return web.Response(status=204)

    async def who_reacted(self, request: web.Request) -> web.Response:
        """By id, in pages after the id `after`."""
        channel = self.channel_for(request, p.READ_MESSAGE_HISTORY)
        message = self.message_for(request, channel)
        limit = request.query.get("limit", str(_REACTIONS_PAGE))
        if not limit.isdecimal() or not 1 <= int(limit) <= 100:
            words = "int value should be between 1 and 100."
            raise errors.invalid(("limit",), "NUMBER_TYPE_MAX", words)
        after = int(request.query.get("after") or 0)
        kind = request.query.get("type", "0")
        if kind not in {"0", "1"}:
            words = "Value must be one of {0, 1}."
            raise errors.invalid(("type",), "BASE_TYPE_CHOICES", words)
        kept = message.super_reactions if kind == "1" else message.reactions
        users = sorted(kept.get(request.match_info["emoji"], []))
        page = [user_id for user_id in users if user_id > after][: int(limit)]
        return reply([user_json(self.world.user(user_id)) for user_id in page])

    # -- interactions and their webhooks

    async def callback(self, request: web.Request) -> web.Response:
        body = await read_body(request)
        token = request.match_info["token"]
        interaction = self.interactions.callback(id_of(request, "id"), token, body)
        if request.query.get("with_response") in {"1", "true", "True"}:
            return reply(self.interactions.callback_json(interaction))
        return web.Response(status=204)

    async def follow_up(self, request: web.Request) -> web.Response:
        token = request.match_info["token"]
        interaction = self.interactions.by_token(id_of(request, "application"), token)
        message = self.interactions.follow_up(interaction, await read_body(request))
        return reply(self.posting.json(message, viewer=interaction.user_id))

    def _own(self, request: web.Request) -> Message:
        token = request.match_info["token"]
        interaction = self.interactions.by_token(id_of(request, "application"), token)
        which = request.match_info["which"]
        if which != "@original" and not which.isdecimal():
            raise errors.unknown_message()
        return self.interactions.message_of(interaction, which)

    async def get_own(self, request: web.Request) -> web.Response:
        return reply(self.posting.json(self._own(request)))

    async def edit_own(self, request: web.Request) -> web.Response:
        message = self._own(request)
        self.posting.edit(message, await read_body(request))
        return reply(self.posting.json(message))

    async def delete_own(self, request: web.Request) -> web.Response:
        self.posting.delete(self._own(request))
        return web.Response(status=204)

"""Routes of reactions: set and take away one's own, see who reacted, clear them."""

from typing import Any

from aiohttp import web

from bot.playground.simulator import errors
from bot.playground.simulator import permissions as p
from bot.playground.simulator.api import Area, id_of
from bot.playground.simulator.middleware import reply
from bot.playground.simulator.payloads import user_json

_PAGE = 25  # Discord's default; at most 100


class ReactionsApi(Area):
    """Handlers; channels and messages are looked up as `api` does."""

    def table(self) -> list[tuple[str, str, Any]]:
        all_of = "/channels/{channel}/messages/{message}/reactions"
        one = all_of + "/{emoji}"
        return [
            ("PUT", one + "/@me", self.react),
            ("DELETE", one + "/@me", self.react),
            ("GET", one, self.who),
            ("DELETE", one, self.clear),
            ("DELETE", all_of, self.clear),
            ("DELETE", one + "/{user}", self.remove),
        ]

    async def react(self, request: web.Request) -> web.Response:
        add = request.method == "PUT"
        wanted = [p.READ_MESSAGE_HISTORY, *([p.ADD_REACTIONS] * add)]
        message = self.message_for(request, self.channel_for(request, *wanted))
        emoji, bot = request.match_info["emoji"], self.world.bot_user_id
        self.posting.reactions.react(message, emoji, user_id=bot, add=add)
        return web.Response(status=204)

    async def who(self, request: web.Request) -> web.Response:
        """Who reacted, by id, in pages after the id `after`."""
        channel = self.channel_for(request, p.READ_MESSAGE_HISTORY)
        message = self.message_for(request, channel)
        limit = request.query.get("limit", str(_PAGE))
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

    async def clear(self, request: web.Request) -> web.Response:
        channel = self.channel_for(request, p.MANAGE_MESSAGES)
        message = self.message_for(request, channel)
        self.posting.reactions.clear(message, request.match_info.get("emoji"))
        return web.Response(status=204)

    async def remove(self, request: web.Request) -> web.Response:
        channel = self.channel_for(request, p.MANAGE_MESSAGES)
        message = self.message_for(request, channel)
        user_id, emoji = id_of(request, "user"), request.match_info["emoji"]
        self.posting.reactions.react(message, emoji, user_id=user_id, add=False)
        return web.Response(status=204)

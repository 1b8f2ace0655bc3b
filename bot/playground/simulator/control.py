"""Control routes under `/loopback/`: act as a member and watch, over HTTP.

For a page and for tests in another process. Pages of other sites get no answer (Host and Origin).
"""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from bot.playground.simulator.actions import Actions
from bot.playground.simulator.bodies import read_json
from bot.playground.simulator.check_message import Upload
from bot.playground.simulator.errors import ApiError, Json, RefusedByClient
from bot.playground.simulator.feed import FeedEvent
from bot.playground.simulator.middleware import reply
from bot.playground.simulator.origins import is_allowed
from bot.playground.simulator.payloads import channel_json, guild_json, user_json
from bot.playground.simulator.permissions import VIEW_CHANNEL, may
from bot.playground.simulator.world import Interaction

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Control:
    """Handlers of `/loopback/...`."""

    def __init__(self, actions: Actions, *, host: str) -> None:
        self.actions = actions
        self.posting = actions.posting
        self.world = actions.world
        self._host = host

    def routes(self) -> list[web.RouteDef]:
        table: list[tuple[str, str, Handler]] = [
            ("GET", "/state", self.state),
            ("GET", "/messages", self.messages),
            ("GET", "/events", self.events),
            ("POST", "/act/{action}", self.act),
        ]
        return [web.route(verb, "/loopback" + path, self._own(call)) for verb, path, call in table]

    def _own(self, handler: Handler) -> Handler:
        """Only for callers that are no page of another site."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            origin = request.headers.get("Origin")
            if not is_allowed(request.host, origin, bound=self._host):
                return reply({"error": "only from this machine's own page"}, status=403)
            try:
                return await handler(request)
            except RefusedByClient as error:
                return reply({"error": str(error), "by": "client"}, status=422)
            except ApiError as error:
                return reply(error.body(), status=error.status)
            except (KeyError, TypeError, ValueError) as error:
                return reply({"error": f"{type(error).__name__}: {error}"}, status=400)

        return guarded

    async def state(self, request: web.Request) -> web.Response:
        """Users, guilds, channels that `as` sees, and the commands there."""
        world, viewer = self.world, int(request.query["as"])
        events = self.posting.feed.events
        seen = [c for c in world.channels.values() if may(world, c, viewer, VIEW_CHANNEL)]
        return reply(
            {
                "bot_id": str(world.bot_user_id),
                "connected": self.posting.gateway.connected,
                "users": [
                    user_json(user) | {"locale": user.locale} for user in world.users.values()
                ],
                "guilds": [guild_json(guild) for guild in world.guilds.values()],
                "channels": [channel_json(world, channel) for channel in seen],
                "commands": list(world.commands.values()),
                "seq": events[-1].seq if events else 0,
            }
        )

    async def messages(self, request: web.Request) -> web.Response:
        """What `as` sees in `channel`."""
        viewer = int(request.query["as"])
        found = self.actions.visible(viewer, int(request.query["channel"]))
        return reply([self.posting.json(m, viewer=viewer) for m in found])

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events of what `as` sees, after `Last-Event-ID` or `after`."""
        viewer = int(request.query["as"])
        last = request.headers.get("Last-Event-ID", request.query.get("after"))
        queue: asyncio.Queue[FeedEvent] = asyncio.Queue()
        for event in self.posting.feed.since(int(last)) if last else ():
            queue.put_nowait(event)
        stop = self.posting.feed.listen(queue.put_nowait)
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        response = web.StreamResponse(headers=headers)
        try:
            await response.prepare(request)
            await response.write(b": connected\n\n")
            while True:
                await self._write_event(response, queue, viewer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            stop()
        return response

    async def _write_event(
        self, response: web.StreamResponse, queue: asyncio.Queue[FeedEvent], viewer: int
    ) -> None:
        try:
            async with asyncio.timeout(15):
                event = await queue.get()
        except TimeoutError:
            await response.write(b": still here\n\n")
            return
        if self.actions.sees(viewer, event):
            data = json.dumps(event.as_json())
            await response.write(f"id: {event.seq}\ndata: {data}\n\n".encode())

    async def act(self, request: web.Request) -> web.Response:
        """A member's action; see `_action`. Answers with the interaction's id, if it makes one."""
        body = await read_json(request)
        made = self._action(request.match_info["action"], int(body["as"]), body)
        return reply({} if made is None else interaction_status(made))

    def _action(  # noqa: PLR0912 - one case per action
        self, action: str, user_id: int, body: Json
    ) -> Interaction | None:
        do = self.actions
        match action:
            case "slash" | "autocomplete":
                return do.slash(
                    user_id,
                    body["name"],
                    decode_options(body.get("options")),
                    channel_id=int(body["channel"]),
                    focused=body["focused"] if action == "autocomplete" else None,
                )
            case "press":
                return do.press(user_id, int(body["message"]), body["custom_id"])
            case "select":
                return do.select(user_id, int(body["message"]), body["custom_id"], body["values"])
            case "submit_modal":
                return do.submit_modal(user_id, int(body["interaction"]), body["values"])
            case "message_command":
                return do.message_command(user_id, body["name"], int(body["message"]))
            case "user_command":
                return do.user_command(
                    user_id, body["name"], int(body["target"]), channel_id=int(body["channel"])
                )
            case "react":
                add = bool(body.get("add", True))
                do.react(user_id, int(body["message"]), body["emoji"], add=add)
            case "say":
                do.say(user_id, int(body["channel"]), body["content"])
            case "delete":
                do.delete(user_id, int(body["message"]))
            case "invite":
                do.invite(user_id, int(body["guild"]))
            case "speak":
                do.speak(user_id, body["locale"])
            case "status":
                interaction = self.world.interactions[int(body["interaction"])]
                if interaction.user_id != user_id:
                    raise RefusedByClient("this is another member's")
                return interaction
            case _:
                raise RefusedByClient(f"nobody can {action!r}")
        return None


def decode_options(options: Any) -> dict[str, Any]:
    """Files come as {"filename", "base64"}."""
    result: dict[str, Any] = dict(options or {})
    for name, value in result.items():
        if isinstance(value, dict):
            file: Json = value  # pyright: ignore[reportUnknownVariableType] - JSON
            result[name] = Upload(
                filename=file["filename"],
                content_type=file.get("content_type", "application/octet-stream"),
                data=base64.b64decode(file["base64"], validate=True),
            )
    return result


def interaction_status(interaction: Interaction) -> Json:
    """What the member's client knows of an interaction."""
    message_id = interaction.response_message_id
    return {
        "interaction_id": str(interaction.id),
        "callback_type": interaction.callback_type,
        "elapsed_s": interaction.acknowledged_after_s,
        "message_id": None if message_id is None else str(message_id),
        "modal": interaction.modal,
        "choices": interaction.choices,
        "ephemeral": interaction.ephemeral,
    }

"""The simulated Discord: its world, HTTP API, gateway and control routes."""

import asyncio
import time
from collections.abc import Callable
from typing import Self

from aiohttp import web

from bot.playground.simulator import errors
from bot.playground.simulator.actions import Actions
from bot.playground.simulator.api import Api
from bot.playground.simulator.api_commands import CommandsApi
from bot.playground.simulator.api_threads import ThreadsApi
from bot.playground.simulator.control import Control
from bot.playground.simulator.default_world import default_world
from bot.playground.simulator.feed import Feed
from bot.playground.simulator.gateway import Gateway
from bot.playground.simulator.interactions import Interactions
from bot.playground.simulator.limits import REQUEST_BYTES
from bot.playground.simulator.message_payloads import cdn_signature
from bot.playground.simulator.middleware import Authorizer
from bot.playground.simulator.oauth import OAuth
from bot.playground.simulator.posting import Posting
from bot.playground.simulator.sharding import Sharding
from bot.playground.simulator.world import Attachment, World

TOKEN = "loopback.bot.token"  # noqa: S105 - no secret: it opens nothing but this server
HOST = "127.0.0.1"
IDLE_S = 75.0  # a connection may be idle


class Loopback:
    """`async with Loopback() as loopback:` serves at `loopback.url` until the block ends.

    `now` is the clock of deadlines and timestamps (s since 1970); `loopback.world.advance(s)` lets
    time pass. `port` 0 takes a free one; OSError if the port is in use. `sharding`: what is asked
    of the bot's connections.
    """

    def __init__(
        self,
        *,
        world: World | None = None,
        token: str = TOKEN,
        host: str = HOST,
        port: int = 0,
        now: Callable[[], float] = time.time,
        sharding: Sharding | None = None,
    ) -> None:
        self.world = world or default_world(now=now)
        self.token = token
        self.host = host
        self.port = port
        self.url = ""
        self.feed = Feed(self.world.time)
        self.gateway = Gateway(self.world, token=token, sharding=sharding)
        self.posting = Posting(self.world, self.gateway, self.feed)
        self.interactions = Interactions(self.posting)
        self.actions = Actions(self.posting, self.interactions)
        self.oauth = OAuth(self.world)
        self.authorizer = Authorizer(token=token, bearer=self.oauth.bearer)
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    def application(self) -> web.Application:
        """The routes: API, gateway, CDN, control."""
        middlewares = [self.authorizer.handle]
        app = web.Application(middlewares=middlewares, client_max_size=REQUEST_BYTES)
        for area in (
            Api(self.posting, self.interactions),
            ThreadsApi(self.posting),
            CommandsApi(self.posting),
            Control(self.actions, host=self.host),
            self.oauth,
        ):
            app.add_routes(area.routes())
        app.router.add_get("/gateway", self.gateway.handle)
        app.router.add_get("/gateway/", self.gateway.handle)
        app.router.add_get("/gateway/{shard}", self.gateway.handle)
        app.router.add_get("/cdn/attachments/{channel}/{attachment}/{name}", self._attachment)
        return app

    async def start(self) -> None:
        self._runner = web.AppRunner(
            self.application(), access_log=None, shutdown_timeout=1.0, keepalive_timeout=IDLE_S
        )
        await self._runner.setup()
        try:
            self.port = await self.listen(self._runner)
        except OSError:
            await self._runner.cleanup()
            raise
        host = f"[{self.host}]" if ":" in self.host else self.host
        self.url = f"http://{host}:{self.port}"
        self.gateway.base_url = self.url

    async def listen(self, runner: web.AppRunner) -> int:
        """Accept connections; returns the port. Raises OSError."""
        await web.TCPSite(runner, self.host, self.port).start()
        return int(runner.addresses[0][1])

    async def stop(self) -> None:
        """Close the gateway's connections and the server."""
        await self.gateway.drop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def wait_connected(self, timeout_s: float = 10.0) -> None:
        """Wait until a bot is identified and its commands are registered. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while not self.gateway.connected:  # noqa: ASYNC110 - for tests only
                await asyncio.sleep(0.01)

    def _find_attachment(self, attachment_id: int) -> Attachment:
        if attachment_id in self.world.uploads:
            return self.world.uploads[attachment_id]
        for message in self.world.messages.values():
            for attachment in message.attachments:
                if attachment.id == attachment_id and message.deleted_at is None:
                    return attachment
        raise errors.not_found()

    async def _attachment(self, request: web.Request) -> web.Response:
        """A file, while its signed link is valid."""
        given = request.match_info["attachment"]
        expires = request.query.get("ex", "0")
        try:
            signature = cdn_signature(self.world, int(given), expires)
            valid = request.query.get("hm") == signature
            if not valid or int(expires, 16) < self.world.time():
                return web.Response(status=404, text="This content is no longer available.")
            attachment = self._find_attachment(int(given))
        except (ValueError, errors.ApiError):
            return web.Response(status=404, text="Not found")
        headers = {"Content-Type": attachment.content_type, "X-Content-Type-Options": "nosniff"}
        if not attachment.content_type.startswith(("image/png", "image/jpeg", "image/webp")):
            headers["Content-Disposition"] = "attachment"
        return web.Response(body=attachment.data, headers=headers)

"""Serves health checks and metrics on the bot's event loop."""

import asyncio
import logging
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from typing import Final

from aiohttp import web
from prometheus_client.exposition import choose_encoder

from bot.client.client import EkakiBot
from bot.common.addresses import is_public
from bot.watch.counting import Counting
from bot.watch.gauges import Gauges
from bot.watch.health import Health
from bot.watch.loop_delay import measure
from bot.watch.state import read_state
from pipeline.errors import StorageError

_log = logging.getLogger(__name__)

_PARTING_S: Final = 1.0  # for answers that are under way
_QUEUE: Final = 16  # connections that the system queues


@asynccontextmanager
async def watching(bot: EkakiBot, counting: Counting) -> AsyncGenerator[str]:
    """Serve at the bot's METRICS_ADDRESS until the block ends; returns the address with the actual
    port. StorageError `metrics_address_unusable`."""
    address = bot.services.settings.metrics_address
    sock = _bound(address)
    runner = web.AppRunner(
        Watch(bot, counting).application(), access_log=None, shutdown_timeout=_PARTING_S
    )
    await runner.setup()
    delays = asyncio.create_task(measure(counting), name="loop delay")
    try:
        await web.SockSite(runner, sock).start()
        named = f"{address.rpartition(':')[0]}:{sock.getsockname()[1]}"
        _log.info("Metrics are at http://%s/metrics", named)
        if is_public(sock.getsockname()[0]):
            _log.warning(
                "METRICS_ADDRESS %s can be reached from other machines, without a password."
                " Let only your monitoring reach it", named,
            )  # fmt: skip
        yield named
    finally:
        delays.cancel()
        with suppress(asyncio.CancelledError):
            await delays
        await runner.cleanup()


class Watch:
    """The routes."""

    def __init__(self, bot: EkakiBot, counting: Counting) -> None:
        self._bot = bot
        self._health = Health(bot)
        self._registry = counting.registry
        self._gauges = Gauges()
        self._registry.register(self._gauges)

    def application(self) -> web.Application:
        app = web.Application(client_max_size=1024)
        app.router.add_get("/healthz", self.live)
        app.router.add_get("/healthz/ready", self.ready)
        app.router.add_get("/metrics", self.metrics)
        return app

    async def live(self, _: web.Request) -> web.Response:
        """200 while the event loop runs, 503 once the bot is stopping."""
        live = self._health.live
        return web.json_response({"live": live}, status=200 if live else 503)

    async def ready(self, _: web.Request) -> web.Response:
        """200 if members can use the bot, otherwise 503; either says what is missing, and whether
        drawing rests."""
        readiness = await self._health.readiness()
        body = {
            "ready": readiness.ready,
            "missing": dict(readiness.missing),
            "rest": None if readiness.rest is None else asdict(readiness.rest),
        }
        return web.json_response(body, status=200 if readiness.ready else 503)

    async def metrics(self, request: web.Request) -> web.Response:
        """Everything that is counted, and the state at this moment."""
        self._gauges.state = await read_state(self._bot, self._health)
        encode, kind = choose_encoder(request.headers.get("Accept", ""))
        body = await asyncio.to_thread(encode, self._registry)  # 10 ms and more
        return web.Response(body=body, headers={"Content-Type": kind})


def _bound(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, int(port)), family=family, backlog=_QUEUE)
    except OSError as error:
        problem = error.strerror or str(error)
        raise StorageError("metrics_address_unusable", address=address, problem=problem) from error

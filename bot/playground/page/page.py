"""The simulated Discord with a page: static files, and routes that only the page uses."""

import errno
import secrets
import socket
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from bot.playground.page.guard import guard
from bot.playground.simulator import permissions as p
from bot.playground.simulator.errors import RefusedByClient
from bot.playground.simulator.middleware import reply
from bot.playground.simulator.options import find_command
from bot.playground.simulator.server import HOST, Loopback
from bot.playground.simulator.world import Channel, World
from bot.web.listening import QUEUE, listening
from bot.web.slots import Slots

STATIC: Final = Path(__file__).parent / "static"
KINDS: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript",
                ".svg": "image/svg+xml"}  # fmt: skip
PORTS_TRIED: Final = 10
# of browsers and the bot: an eighth of the files that most systems allow
MAX_CONNECTIONS: Final = 128


class Page(Loopback):
    """A simulated Discord that also serves the playground's page.

    The token is generated each time, so that nobody who reads this code can act for the bot.
    """

    def __init__(self, *, world: World, host: str = HOST, port: int = 0) -> None:
        super().__init__(world=world, token=secrets.token_urlsafe(32), host=host, port=port)
        self.gallery_url = ""
        self._serving = AsyncExitStack()

    @property
    def address(self) -> str:
        """The address for a browser on this machine."""
        local = self.host in {"", "0.0.0.0", "::"}  # noqa: S104 - compared, not bound
        return f"http://127.0.0.1:{self.port}/" if local else f"{self.url}/"

    def application(self) -> web.Application:
        """With the page, and with the guard before every route."""
        app = super().application()
        app.middlewares.insert(0, guard(self.host))
        app.router.add_get("/", self._file)
        app.router.add_get("/static/{name}", self._file)
        app.router.add_get("/playground/place", self._place)
        app.router.add_get("/gallery", self._gallery)
        return app

    async def start(self) -> None:
        """Serve at the port, or the next free one. OSError if the address can't be bound."""
        wanted = self.port
        for port in (*range(wanted, wanted + PORTS_TRIED), 0) if wanted else (0,):
            self.port = port
            try:
                await super().start()
            except OSError as error:
                if error.errno != errno.EADDRINUSE or port == 0:
                    raise
            else:
                # The bot connects by a local IP address, whatever is bound.
                self.url = self.gateway.base_url = self.address.rstrip("/")
                return

    async def listen(self, runner: web.AppRunner) -> int:
        """Like the gallery's page: with `--host` anybody can connect."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        sock = socket.create_server((self.host, self.port), family=family, backlog=QUEUE)
        assert runner.server is not None, "it is set up"
        slots = Slots(total=MAX_CONNECTIONS, each=MAX_CONNECTIONS)
        await self._serving.enter_async_context(listening(sock, runner.server, slots))
        return int(sock.getsockname()[1])

    async def stop(self) -> None:
        await self._serving.aclose()
        await super().stop()

    async def _file(self, request: web.Request) -> web.Response:
        """A static file, read on each request, because it may change during development."""
        name = request.match_info.get("name", "index.html")
        path = STATIC / name
        if path.suffix not in KINDS or path.parent != STATIC or not path.is_file():
            raise web.HTTPNotFound
        headers = {"Cache-Control": "no-cache"}
        return web.Response(
            body=path.read_bytes(),
            content_type=KINDS[path.suffix],
            charset="utf-8",
            headers=headers,
        )

    async def _gallery(self, _request: web.Request) -> web.Response:
        """Redirect to the gallery's page, which the bot serves at its own address."""
        if not self.gallery_url:
            raise web.HTTPNotFound
        return web.Response(status=302, headers={"Location": self.gallery_url})

    async def _place(self, request: web.Request) -> web.Response:
        """What `as` can do in `channel`: commands by id, permissions, and the roles of people."""
        try:
            viewer = int(request.query["as"])
            channel = self.world.channel(int(request.query["channel"]))
        except (KeyError, ValueError):
            raise web.HTTPBadRequest from None
        bits = p.permissions_in(self.world, channel, viewer)
        if not bits & p.VIEW_CHANNEL:
            raise web.HTTPForbidden
        return reply(
            {
                "commands": self._usable(channel, bits),
                "may_send": bool(bits & p.SEND_MESSAGES),
                "may_manage": bool(bits & p.MANAGE_MESSAGES) and channel.guild_id is not None,
                "roles": self._roles(),
            }
        )

    def _usable(self, channel: Channel, bits: int) -> list[str]:
        """Ids of the commands that a client offers here."""
        usable: list[str] = []
        if not bits & p.USE_APPLICATION_COMMANDS:
            return usable
        known = self.world.commands_by_name()
        for (name, kind), command in known.items():
            try:
                find_command(self.world, name, kind, channel, bits)
            except RefusedByClient:
                continue
            usable.append(command["id"])
        return usable

    def _roles(self) -> dict[str, Any]:
        """Each person: "owner", "moderator" or "member"."""
        found: dict[str, str] = {}
        for guild in self.world.guilds.values():
            for user_id in guild.members:
                bits = p.base_permissions(self.world, guild.id, user_id)
                role = "moderator" if bits & p.MANAGE_MESSAGES else "member"
                found[str(user_id)] = "owner" if guild.owner_id == user_id else role
        return found

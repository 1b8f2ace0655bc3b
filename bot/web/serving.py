"""Serves the page: in the running bot, or in a separate process with the same database."""

import asyncio
import logging
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import aiohttp
import discord
from aiohttp import web

from bot.common.clock import Clock
from bot.config.settings import Settings
from bot.config.signing import signer_of
from bot.gallery.collection_files import CollectionFiles
from bot.gallery.links import CollectionLinks
from bot.library.painting import Painting
from bot.web.access import Access, DiscordMemberships
from bot.web.downloads import Downloads
from bot.web.listening import QUEUE, QuietFilter, connection_slots, listening
from bot.web.marks import Marks
from bot.web.oauth import OAuth
from bot.web.parts import Parts
from bot.web.rendering import Pages, Static
from bot.web.sessions import Sessions
from bot.web.shown import Shown
from bot.web.site import Site
from bot.web.throttle import Throttle
from bot.web.thumbs import ThumbnailMaker
from data.files.thumbnails import Thumbnails
from data.store.database import DATABASE_NAME, Database
from pipeline.disk import at
from pipeline.errors import StorageError

_log = logging.getLogger(__name__)
_http_log = logging.getLogger(f"{__name__}.http")
_http_log.addFilter(QuietFilter())

_PARTING_S: Final = 2.0  # for answers that are under way
IDLE_S: Final = 15.0  # a connection may be idle, or take to send a request
PROXY_IDLE_S: Final = 150.0  # the proxy ends its connections itself: nginx after 60 s, Caddy 120 s
BODY_S: Final = 2.0  # for a body that nobody reads
_TO_DISCORD: Final = 8  # connections at once, for people who sign in


@asynccontextmanager
async def serving(
    settings: Settings,
    *,
    client: discord.Client,
    clock: Clock,
    painting: Painting | None = None,
) -> AsyncGenerator[str, None]:
    """Serve until the block ends; returns the page's own address. `client` is logged in by then or
    later. `painting`: where jobs are accepted in this process. StorageError
    `web_address_unusable`, InputError if pictures can't be signed.

    The database is opened separately, so that visitors' searches don't delay the bot.
    """
    sock = _bound(settings.web_address)
    origin = settings.web_url or f"http://{_named(settings.web_address, sock)}"
    async with (
        Database.open(settings.data_dir / DATABASE_NAME, migrate="new") as database,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_TO_DISCORD)) as http,
    ):
        thumbnails = await asyncio.to_thread(_thumbnails, settings)
        site = Site(_parts(settings, origin, database, client, clock, http, thumbnails, painting))
        async with _running(site, behind_proxy=settings.web_proxies > 0) as server:
            slots = connection_slots(behind_proxy=settings.web_proxies > 0)
            async with listening(sock, server, slots):
                _log.info(
                    "The gallery's page is at %s (served at %s)", origin, settings.web_address
                )
                yield origin


@asynccontextmanager
async def _running(site: Site, *, behind_proxy: bool) -> AsyncGenerator[web.Server, None]:
    """The server without a socket; its connections are closed at the end."""
    runner = web.AppRunner(
        site.application(),
        access_log=None,
        logger=_http_log,
        shutdown_timeout=_PARTING_S,
        # Starts with the connection and closes it if no request was sent by then.
        keepalive_timeout=PROXY_IDLE_S if behind_proxy else IDLE_S,
        lingering_time=BODY_S,
    )
    await runner.setup()
    try:
        assert runner.server is not None, "it is set up"
        yield runner.server
    finally:
        await runner.cleanup()


def _bound(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, int(port)), family=family, backlog=QUEUE)
    except OSError as error:
        problem = error.strerror or str(error)
        raise StorageError("web_address_unusable", address=address, problem=problem) from error


def _named(address: str, sock: socket.socket) -> str:
    """The address with the actual port (for port 0)."""
    return f"{address.rpartition(':')[0]}:{sock.getsockname()[1]}"


def _thumbnails(settings: Settings) -> Thumbnails:
    """InputError if pictures can't be signed; StorageError."""
    thumbnails = Thumbnails.under(settings.data_dir, sign=signer_of(settings))
    with at(settings.data_dir):
        thumbnails.renew()
    return thumbnails


def _parts(  # noqa: PLR0917 - everything that the page is made of, named at the one call
    settings: Settings,
    origin: str,
    database: Database,
    client: discord.Client,
    clock: Clock,
    http: aiohttp.ClientSession,
    thumbnails: Thumbnails,
    painting: Painting | None,
) -> Parts:
    static = Static()
    always = {
        "contact": settings.operator_contact,
        "source_url": settings.source_url,
    }
    access = Access(database=database, clock=clock, memberships=DiscordMemberships(client))
    return Parts(
        clock=clock,
        shown=Shown(database=database, clock=clock),
        access=access,
        marks=Marks(database=database, clock=clock, access=access),
        sessions=Sessions(database=database, clock=clock, secure=origin.startswith("https:")),
        oauth=OAuth(
            base_url=settings.discord_api_url,
            application_id=lambda: client.application_id,
            secret=settings.discord_client_secret,
            redirect_uri=f"{origin}/signed-in",
            http=http,
            clock=clock,
        ),
        thumbs=ThumbnailMaker(thumbnails),
        downloads=Downloads(
            links=CollectionLinks(database=database, clock=clock, origin=origin),
            files=CollectionFiles(
                database=database, pictures=thumbnails.pictures, sign=thumbnails.sign
            ),
        ),
        painting=painting,
        pages=Pages(static=static, origin=origin, always=always),
        static=static,
        throttle=Throttle(per_minute=settings.web_requests_per_minute),
        # Behind a proxy, whose connections are shared, only this limits a single visitor.
        requests=connection_slots(behind_proxy=False),
        proxies=settings.web_proxies,
        origin=origin,
    )

"""The page without the bot: the same database, with Discord's API only."""

import asyncio
import signal
from contextlib import ExitStack

import discord

from bot.common import descriptors
from bot.common.clock import SystemClock
from bot.common.discord_address import connect_to
from bot.config.settings import Settings
from bot.web.serving import serving
from data.store.database import DATABASE_NAME
from data.store.place import Place


async def serve_alone(settings: Settings, *, stop: asyncio.Event | None = None) -> int:
    """Serve until `stop` is set or a signal comes. Returns the exit status.

    Logs in only if people can sign in, and never connects to the gateway, so only the running bot
    receives events. Raises discord.LoginFailure, StorageError.
    """
    stop = stop or asyncio.Event()
    descriptors.raise_limit()
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows: Ctrl-C ends it as an exception
            break
    with ExitStack() as stack:
        if settings.discord_api_url:
            stack.enter_context(connect_to(settings.discord_api_url))
        async with discord.Client(intents=discord.Intents.none()) as client:
            if settings.discord_client_secret:
                await client.login(settings.discord_token.reveal())
            place = Place()
            async with serving(settings, client=client, clock=SystemClock()):
                place.hold(settings.data_dir / DATABASE_NAME)
                await _until(stop, place)
    return 0


async def _until(stop: asyncio.Event, place: Place) -> None:
    """Raises StorageError if the database is no longer the bot's."""
    watching = asyncio.create_task(place.watch())
    stopped = asyncio.create_task(stop.wait())
    done, left = await asyncio.wait({watching, stopped}, return_when=asyncio.FIRST_COMPLETED)
    for task in left:
        task.cancel()
    if watching in done:
        watching.result()

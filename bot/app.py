"""Starts and stops the bot as a whole. The only module that names the cogs."""

import asyncio
import gc
import hashlib
import json
import logging
import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import replace
from importlib import import_module
from typing import Any

from bot.client.client import EkakiBot
from bot.common import descriptors
from bot.common.discord_address import connect_to
from bot.common.failpoints import hit
from bot.common.languages import CatalogueTranslator
from bot.compose import Load, open_services
from bot.config.engine_options import loaders_of
from bot.config.settings import Settings
from bot.web.serving import serving
from data.store import notes
from pipeline.engine.protocol import Engine
from pipeline.load import import_engine

_log = logging.getLogger(__name__)

_PARTING_S = 2.0  # for discord.py to end by itself

COGS = (
    "cogs.common.outbox", "cogs.inference", "cogs.compare", "cogs.info", "cogs.drawing.limits",
    "cogs.drawing.tags",
    "cogs.personal.history", "cogs.personal.loras", "cogs.personal.me", "cogs.personal.news",
    "cogs.personal.presets", "cogs.personal.privacy",
    "cogs.drawing.queue", "cogs.picture_buttons", "cogs.pictures.message_menus",
    "cogs.pictures.describe", "cogs.pictures.again",
    "cogs.gallery.posting.events", "cogs.gallery.command", "cogs.personal.collection",
    "cogs.settings.command", "cogs.settings.wildcards",
    "cogs.moderation.command", "cogs.moderation.owner",
    "cogs.moderation.log_channel", "cogs.moderation.removals", "cogs.moderation.report_menus",
    "cogs.moderation.welcome", "cogs.moderation.mentions", "cogs.moderation.weekly",
)  # fmt: skip


class Ekaki(EkakiBot):
    """The bot with its cogs and its command tree."""

    async def setup_hook(self) -> None:
        await self.tree.set_translator(CatalogueTranslator())
        for name in COGS:
            await self.load_extension(name)
            await asyncio.sleep(0)  # some milliseconds each: let others run in between
        if self.services.settings.sync_commands == "auto":
            await self.sync_if_changed()

    async def sync_if_changed(self, *, force: bool = False) -> bool:
        """Send the command tree to Discord if it has changed since it was last sent."""
        payload = await self._commands()
        text = json.dumps(payload, sort_keys=True, default=str)
        current = f"{self.application_id}:{hashlib.sha256(text.encode()).hexdigest()}"
        database = self.services.database
        known = await database.read(notes.get, key="command_tree")
        if known == current and not force:
            return False
        await self.tree.sync()
        hit("commands_synced")
        await database.write(notes.put, key="command_tree", value=current)
        _log.info("Commands were synced: %d", len(payload))
        return True

    async def _commands(self) -> list[dict[str, Any]]:
        """The command tree as it is sent, in all languages."""
        translator = self.tree.translator
        assert translator is not None, "set before any cog is loaded"
        payload: list[dict[str, Any]] = []
        for command in self.tree.get_commands():
            payload.append(await command.get_translated_payload(self.tree, translator))
            await asyncio.sleep(0)  # some milliseconds each: let others run in between
        return payload


def engine_loader(settings: Settings) -> Callable[[], Engine]:
    """`engine_loaders` where one device is enough."""
    return engine_loaders(replace(settings, device_id=settings.device_id[:1]))[0]


def engine_loaders(settings: Settings) -> list[Callable[[], Engine]]:
    """Return the functions that load each device's engine. Call this before the event loop runs: it
    imports large libraries, and importing torch for `stock` in a thread would block the interpreter
    for half a second.
    """
    if settings.hosts != "ray":
        import_engine(settings.engine)
    for name in COGS:
        import_module(name)  # discord.py then finds their imports ready in the loop
    gc.collect()
    gc.freeze()
    return loaders_of(settings, progress=_log.info)


async def run(
    settings: Settings,
    *,
    load: Load | None = None,
    stop: asyncio.Event | None = None,
    ready: Callable[[Ekaki], Any] | None = None,
) -> int:
    """Run the bot until `stop` is set or a signal arrives (SIGUSR1: until everything accepted is
    done). Returns the exit status.

    Raises ModelError, StorageError and discord.LoginFailure: a failure at start must not go
    unnoticed.
    """
    stop, finish = stop or asyncio.Event(), asyncio.Event()
    load = load or engine_loaders(settings)
    descriptors.raise_limit()
    _on_signals(stop=stop, finish=finish)
    with ExitStack() as stack:
        if settings.discord_api_url:
            stack.enter_context(connect_to(settings.discord_api_url))
        async with (
            open_services(settings, load=load) as services,
            Ekaki(services) as bot,
            AsyncExitStack() as page,
        ):
            # Modules and tags are never freed: scanning them in each collection would block the
            # event loop for 40 ms. `engine_loader` has already frozen the modules.
            gc.freeze()
            if settings.web_address:
                await page.enter_async_context(
                    serving(settings, client=bot, clock=services.clock, painting=services.painting)
                )
            await page.enter_async_context(_watched(bot))
            connected = asyncio.create_task(bot.start(settings.discord_token.reveal()))
            finished = asyncio.create_task(_finish_first(finish, bot))
            stopped = asyncio.create_task(stop.wait())
            moved = asyncio.create_task(services.database.place.watch())
            if ready is not None:
                ready(bot)
            waiting: set[asyncio.Future[Any]] = {
                connected,
                stopped,
                finished,
                moved,
                services.jobs.failure,
            }
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            finished.cancel()
            moved.cancel()
            await bot.close()
            if connected not in done:
                await asyncio.wait([connected], timeout=_PARTING_S)
                # discord.py, if closed while it connects, waits for the gateway to end the
                # connection.
                connected.cancel()
                await asyncio.gather(connected, return_exceptions=True)
            for task in done - {stopped}:
                task.result()
    return 0


@asynccontextmanager
async def _watched(bot: Ekaki) -> AsyncGenerator[None]:
    """Serve health checks and metrics if METRICS_ADDRESS says where. StorageError."""
    if not bot.services.settings.metrics_address:
        yield
        return
    from bot.watch.counting import Counting
    from bot.watch.serving import watching

    counting = bot.services.observer
    assert isinstance(counting, Counting), "`bot.compose` makes it"
    async with watching(bot, counting):
        yield


async def sync(settings: Settings) -> int:
    """Send the command tree to Discord, changed or not. Returns the number of commands."""
    settings = replace(settings, sync_commands="never")  # not twice
    async with open_services(settings, load=None) as services, Ekaki(services) as bot:
        with ExitStack() as stack:
            if settings.discord_api_url:
                stack.enter_context(connect_to(settings.discord_api_url))
            await bot.login(settings.discord_token.reveal())
            await bot.sync_if_changed(force=True)
            return len(bot.tree.get_commands())


async def _finish_first(asked: asyncio.Event, bot: Ekaki) -> None:
    """Once asked to, accept no new work, and return when the rest is drawn and delivered."""
    await asked.wait()
    _log.info("Finishing what is accepted, taking no new work")
    # What an earlier run left is resumed only then; `wait_until_ready` works only after login.
    while not bot.is_ready():  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    await bot.services.jobs.drain()


def _on_signals(*, stop: asyncio.Event, finish: asyncio.Event) -> None:
    """SIGTERM and SIGINT stop the bot, SIGUSR1 lets it finish first."""
    loop = asyncio.get_running_loop()
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGUSR1, finish.set)
    except NotImplementedError:  # Windows, which has no SIGUSR1 either
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: loop.call_soon_threadsafe(stop.set))

"""The composition root: everything is made here, once, and only here are the cogs named."""

import asyncio
import gc
import hashlib
import json
import logging
import signal
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.client import EkakiBot
from bot.clock import Clock, SystemClock
from bot.defaults import defaults_of
from bot.engine import loaders_of, tagger_folder
from bot.eta import Pace
from bot.failpoints import hit
from bot.gallery.browser import Browser
from bot.gallery.collection_files import CollectionFiles
from bot.gallery.collections import Collections
from bot.gallery.links import CollectionLinks
from bot.gallery.service import Gallery
from bot.gallery.stars import Stars
from bot.jobs.admission import JobRules
from bot.jobs.hub import Hub
from bot.jobs.kept_files import KeptFiles
from bot.jobs.line import Line
from bot.jobs.runner import Runner
from bot.jobs.service import JobService
from bot.jobs.store import JobStore
from bot.languages import CatalogueTranslator, ServerLanguages
from bot.limits import DAY_S, Limits
from bot.loopback.client import connect_to
from bot.moderation.audit import Audit
from bot.moderation.removals import Removals
from bot.moderators import Moderators
from bot.output_check import OutputCheck
from bot.people import People
from bot.reports import Reports
from bot.results import Results
from bot.reviews import Reviews
from bot.servers import OwnerBounds, Servers
from bot.services import Services
from bot.settings import Settings
from bot.suggestions import Suggestions
from bot.web.serving import serving
from bot.worker import EngineWorker
from data import guild_settings, notes
from data.database import DATABASE_NAME, Database
from data.lock import only_one
from data.vocabularies import load_vocabulary
from pipeline.engine.protocol import Engine
from pipeline.errors import StorageError
from pipeline.model.load import import_engine
from pipeline.tags.index import TagIndex

if TYPE_CHECKING:
    from pipeline.tagger.tagger import Tagger

_log = logging.getLogger(__name__)

Load = Callable[[], Engine] | Sequence[Callable[[], Engine]]
"""What makes the engine, or the engines of several devices."""

_PARTING_S = 2.0  # for discord.py to end by itself

COGS = (
    "cogs.inference", "cogs.info", "cogs.limits",
    "cogs.history", "cogs.me", "cogs.presets", "cogs.privacy", "cogs.queue",
    "cogs.results", "cogs.message_menus", "cogs.gallery_events", "cogs.gallery", "cogs.collection",
    "cogs.settings", "cogs.moderate", "cogs.owner", "cogs.log_channel", "cogs.removals",
    "cogs.report_menus",
)  # fmt: skip


@asynccontextmanager
async def open_services(
    settings: Settings, *, load: Load | None, clock: Clock | None = None
) -> AsyncGenerator[Services, None]:
    """Open the database and make the services. `load` makes the engine, in the engine's thread (or
    several, each in its own); None: nothing is drawn here (`bot sync`).

    Drawing starts with the inference cog. The services are stopped at the end in any case.
    """
    clock = clock or SystemClock()
    prepare_folder(settings.data_dir)
    # In a thread: parsing 140,000 tags takes seconds, and the loop may have other things to do.
    tags = await asyncio.to_thread(load_vocabulary, settings.data_dir)
    async with AsyncExitStack() as stack:
        if load is not None:
            stack.enter_context(only_one(settings.data_dir))
        database = await stack.enter_async_context(Database.open(settings.data_dir / DATABASE_NAME))
        files = KeptFiles.under(settings.data_dir, database)
        audit = Audit(database=database, clock=clock)
        async with database.reader() as connection:
            languages = ServerLanguages(await guild_settings.chosen_languages(connection))
        removals = Removals(database=database, clock=clock)
        jobs = compose_jobs(settings, files=files, audit=audit, tags=tags, load=load, clock=clock)
        stack.push_async_callback(jobs.stop)
        results = Results(
            database=database, files=files, audit=audit, removals=removals, clock=clock
        )
        gallery = Gallery(database=database, audit=audit, clock=clock)
        moderators = Moderators(database=database, audit=audit, jobs=jobs, clock=clock)
        yield Services(
            settings=settings,
            clock=clock,
            database=database,
            audit=audit,
            jobs=jobs,
            suggestions=Suggestions(tags=tags, database=database, jobs=jobs),
            results=results,
            moderators=moderators,
            reviews=Reviews(database=database, files=files, audit=audit, clock=clock),
            reports=Reports(
                database=database, audit=audit, results=results, moderators=moderators, clock=clock
            ),
            removals=removals,
            servers=Servers(
                database=database,
                audit=audit,
                bounds=bounds_of(settings),
                languages=languages,
            ),
            languages=languages,
            people=People(database=database, files=files, jobs=jobs, clock=clock),
            gallery=gallery,
            stars=Stars(gallery),
            browser=Browser(database),
            collections=Collections(database=database, results=results, clock=clock),
            collection_files=CollectionFiles(database=database, pictures=files.pictures),
            links=CollectionLinks(database=database, clock=clock, origin=settings.web_origin),
        )


def compose_jobs(
    settings: Settings,
    *,
    files: KeptFiles,
    audit: Audit,
    tags: TagIndex,
    load: Load | None,
    clock: Clock,
) -> JobService:
    """The job service and what it stands on. ModelError where TAGGER names no tagger."""
    tagger = tagger_folder(settings)
    store = JobStore(files.database, files, audit)
    line, hub = Line(Pace()), Hub()
    runner = Runner(
        store=store,
        line=line,
        hub=hub,
        workers=workers_of(load),
        clock=clock,
        version=f"Ekaki {version('ekaki')}",
        check=None if tagger is None or load is None else OutputCheck(partial(open_tagger, tagger)),
    )
    rules = JobRules(
        defaults=defaults_of(settings),
        limits=limits_of(settings),
        category_of=tags.category_of,
        max_age_s=settings.job_max_age_minutes * 60,
        kept_s=settings.pictures_kept_days * DAY_S or None,
        max_weight=settings.max_role_weight,
        output_check=tagger is not None,
    )
    return JobService(store=store, line=line, hub=hub, runner=runner, clock=clock, rules=rules)


def workers_of(load: Load | None) -> list[EngineWorker]:
    """A worker for each engine."""
    if load is None:
        return []
    if callable(load):
        return [EngineWorker(load)]
    several = len(load) > 1
    return [
        EngineWorker(one, name=f"Engine {number} of {len(load)}" if several else "The engine")
        for number, one in enumerate(load, 1)
    ]


def open_tagger(folder: Path) -> "Tagger":
    """Load the tagger; ModelError says why it can't be used. Brings the engine's libraries."""
    from pipeline.tagger.tagger import Tagger

    return Tagger.open(folder)


def limits_of(settings: Settings) -> Limits:
    """The bounds that the operator set."""
    return Limits(
        pictures_per_hour=settings.pictures_per_hour,
        pictures_per_day=settings.pictures_per_day,
        waiting_jobs_per_user=settings.waiting_jobs_per_user,
        waiting_jobs_total=settings.waiting_jobs_total,
    )


def bounds_of(settings: Settings) -> OwnerBounds:
    """The most that a server may set for its members."""
    high = {
        "pictures_per_hour": settings.pictures_per_hour,
        "pictures_per_day": settings.pictures_per_day,
        "waiting_jobs": settings.waiting_jobs_per_user,
        "max_count": settings.max_count,
        "max_steps": settings.max_steps,
        "weight": settings.max_role_weight,
    }
    return OwnerBounds(high={name: value for name, value in high.items() if value})  # 0: none


def prepare_folder(folder: Path) -> None:
    """Make the folder for what is kept; StorageError if that can't be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError("storage_read_only", path=str(folder)) from error


class Ekaki(EkakiBot):
    """The bot with its cogs and its command tree."""

    async def setup_hook(self) -> None:
        await self.tree.set_translator(CatalogueTranslator())
        for name in COGS:
            await self.load_extension(name)
            await asyncio.sleep(0)  # some milliseconds each: others may go between them
        if self.services.settings.sync_commands == "auto":
            await self.sync_if_changed()

    async def sync_if_changed(self, *, force: bool = False) -> bool:
        """Send the command tree to Discord if it is not the one sent last."""
        payload = await self._commands()
        text = json.dumps(payload, sort_keys=True, default=str)
        current = f"{self.application_id}:{hashlib.sha256(text.encode()).hexdigest()}"
        database = self.services.database
        async with database.reader() as connection:
            known = await notes.get(connection, key="command_tree")
        if known == current and not force:
            return False
        await self.tree.sync()
        hit("commands_synced")
        async with database.transaction() as connection:
            await notes.put(connection, key="command_tree", value=current)
        _log.info("Commands were synced: %d", len(payload))
        return True

    async def _commands(self) -> list[dict[str, Any]]:
        """The command tree as it is sent, in all languages."""
        translator = self.tree.translator
        assert translator is not None, "set before any cog is loaded"
        payload: list[dict[str, Any]] = []
        for command in self.tree.get_commands():
            payload.append(await command.get_translated_payload(self.tree, translator))
            await asyncio.sleep(0)  # some milliseconds each: others may go between them
        return payload


def engine_loader(settings: Settings) -> Callable[[], Engine]:
    """`engine_loaders` where one device is enough."""
    return engine_loaders(replace(settings, device_id=settings.device_id[:1]))[0]


def engine_loaders(settings: Settings) -> list[Callable[[], Engine]]:
    """How the engine of each device is loaded. Call this before the event loop runs: it imports
    what is large, and importing torch for `stock` in a thread would hold the interpreter for half a
    second.
    """
    import_engine(settings.engine)
    for name in COGS:
        import_module(name)  # what they import is then there when discord.py loads them in the loop
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
    """Run the bot until `stop` is set or a signal comes (SIGUSR1: until everything accepted is
    done). Gives the exit status.

    ModelError, StorageError and discord.LoginFailure are raised: a failure at start is loud.
    """
    stop, finish = stop or asyncio.Event(), asyncio.Event()
    load = load or engine_loaders(settings)
    _on_signals(stop=stop, finish=finish)
    with ExitStack() as stack:
        if settings.discord_api_url:
            stack.enter_context(connect_to(settings.discord_api_url))
        async with (
            open_services(settings, load=load) as services,
            Ekaki(services) as bot,
            AsyncExitStack() as page,
        ):
            # Modules and tags never go: looking through them again and again would hold up the
            # event loop for 40 ms each time. `engine_loader` has begun with the modules.
            gc.freeze()
            if settings.web_address:
                await page.enter_async_context(serving(settings, client=bot, clock=services.clock))
            connected = asyncio.create_task(bot.start(settings.discord_token.reveal()))
            finished = asyncio.create_task(_finish_first(finish, bot))
            stopped = asyncio.create_task(stop.wait())
            if ready is not None:
                ready(bot)
            waiting: set[asyncio.Future[Any]] = {
                connected,
                stopped,
                finished,
                services.jobs.failure,
            }
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            finished.cancel()
            await bot.close()
            if connected not in done:
                await asyncio.wait([connected], timeout=_PARTING_S)
                # discord.py that is closed while it connects waits for the gateway to end it.
                connected.cancel()
                await asyncio.gather(connected, return_exceptions=True)
            for task in done - {stopped}:
                task.result()
    return 0


async def sync(settings: Settings) -> int:
    """Send the command tree to Discord, changed or not. Gives the number of commands."""
    settings = replace(settings, sync_commands="never")  # not twice
    async with open_services(settings, load=None) as services, Ekaki(services) as bot:
        with ExitStack() as stack:
            if settings.discord_api_url:
                stack.enter_context(connect_to(settings.discord_api_url))
            await bot.login(settings.discord_token.reveal())
            await bot.sync_if_changed(force=True)
            return len(bot.tree.get_commands())


async def _finish_first(asked: asyncio.Event, bot: Ekaki) -> None:
    """Once asked: take no new work, and come back when the rest is drawn and delivered."""
    await asked.wait()
    _log.info("Finishing what is accepted, taking no new work")
    # What an earlier run left is taken up only then; `wait_until_ready` works after login only.
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

"""The composition root: creates every service once and passes it what it needs."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from bot.backup.opening import finish_restore, open_database, prepare_folder
from bot.backup.schedule import Backups
from bot.common.clock import Clock, SystemClock
from bot.common.languages import ServerLanguages
from bot.common.observer import NOBODY, Observer
from bot.config.defaults import defaults_of
from bot.config.engine_options import faces_file, lora_family, tagger_folder
from bot.config.settings import Settings
from bot.config.signing import signer_of
from bot.gallery.browser import Browser
from bot.gallery.collection_files import CollectionFiles
from bot.gallery.collections import Collections
from bot.gallery.links import CollectionLinks
from bot.gallery.service import Gallery
from bot.gallery.stars import Stars
from bot.guilds.moderators import Moderators
from bot.guilds.reports import Reports
from bot.guilds.reviews import Reviews
from bot.guilds.servers import OwnerBounds, Servers
from bot.guilds.wildcards import Wildcards
from bot.hosts.cluster import Cluster, ClusterOptions
from bot.hosts.service import Hosts
from bot.jobs.accept.decide import JobRules
from bot.jobs.accept.limits import DAY_S, Limits
from bot.jobs.draw.line import Line
from bot.jobs.draw.loras import LoraCheck
from bot.jobs.draw.runner import Runner
from bot.jobs.draw.schedule import Schedule
from bot.jobs.draw.workers import Load, workers_for
from bot.jobs.keep.files import KeptFiles
from bot.jobs.keep.output_check import OutputCheck
from bot.jobs.keep.store import JobStore
from bot.jobs.service import JobService
from bot.library.descriptions import Descriptions
from bot.library.face_areas import FaceAreas
from bot.library.loras import Loras
from bot.library.news import MakerNews
from bot.library.painting import Painting
from bot.library.people import People
from bot.library.related import Related
from bot.library.results import Results
from bot.library.suggestions import Suggestions
from bot.library.weekly import WeeklyReports
from bot.loras.library import LoraLibrary
from bot.moderation.audit import Audit
from bot.outbox.service import Outbox
from bot.services import Services
from bot.sharing.service import Sharing
from data.guilds import guild_settings
from data.shipped.vocabularies import load_related, load_vocabulary
from data.shipped.wildcards import shipped_wildcards
from data.store.database import Database
from data.store.lock import Lock, only_one
from data.store.private import make_folder
from pipeline.disk import at
from pipeline.tags.index import TagIndex
from pipeline.tags.nearest import nearest

if TYPE_CHECKING:
    from pipeline.tagger.tagger import Tagger


@asynccontextmanager
async def open_services(
    settings: Settings, *, load: Load | None, clock: Clock | None = None
) -> AsyncGenerator[Services, None]:
    """Open the database and create the services. `load` creates the engine, in the engine's thread
    (or several, each in its own); None: nothing is drawn here (`bot sync`).

    Drawing starts with the inference cog. The services are stopped at the end in any case.
    """
    clock = clock or SystemClock()
    prepare_folder(settings.data_dir)
    async with AsyncExitStack() as stack:
        lock = stack.enter_context(only_one(settings.data_dir)) if load is not None else None
        if lock is not None:
            await finish_restore(settings.data_dir)
        # In a thread: parsing 140,000 tags takes seconds, and the loop may have other things to do.
        tags = await asyncio.to_thread(load_vocabulary, settings.data_dir)
        database = await stack.enter_async_context(open_database(settings, locked=lock is not None))
        sign = await asyncio.to_thread(signer_of, settings)
        files = KeptFiles.under(settings.data_dir, database, sign=sign)
        with at(settings.data_dir):
            hold_place(files, lock)
        audit = Audit(database=database, clock=clock)
        async with database.reader() as connection:
            languages = ServerLanguages(await guild_settings.chosen_languages(connection))
        outbox = Outbox(database=database, audit=audit, clock=clock)
        sharing = Sharing.of(settings, database=database, audit=audit, clock=clock)
        observer = observer_of(settings)
        library = LoraLibrary(settings.lora_folder, family=lora_family(settings))
        loras = await stack.enter_async_context(library)
        jobs = compose_jobs(
            settings,
            loras=loras,
            files=files,
            audit=audit,
            tags=tags,
            load=load,
            clock=clock,
            sharing=sharing,
            observer=observer,
        )
        hosts = None
        if settings.hosts != "local" and load is not None:
            hosts = compose_hosts(
                settings, jobs=jobs, database=database, clock=clock, schedule=sharing.everywhere
            )
            await hosts.check()
            stack.push_async_callback(hosts.stop)
        stack.push_async_callback(jobs.stop)
        stack.push_async_callback(sharing.stop)
        backups = Backups(settings, database=database, clock=clock)
        if lock is not None:
            stack.push_async_callback(backups.stop)
            await backups.start()
        results = Results(database=database, files=files, audit=audit, clock=clock)
        gallery = Gallery(database=database, audit=audit, clock=clock)
        moderators = Moderators(database=database, audit=audit, jobs=jobs, clock=clock)
        yield Services(
            settings=settings,
            clock=clock,
            observer=observer,
            database=database,
            audit=audit,
            jobs=jobs,
            hosts=hosts,
            sharing=sharing,
            backups=backups,
            loras=loras,
            lora_choices=Loras(library=loras, database=database, jobs=jobs, clock=clock),
            suggestions=Suggestions(tags=tags, database=database, jobs=jobs),
            related=Related(tags=tags, start=load_related(), database=database, jobs=jobs),
            descriptions=Descriptions(tags=tags, database=database, jobs=jobs, clock=clock),
            face_areas=FaceAreas(faces_file(settings)),
            results=results,
            moderators=moderators,
            reviews=Reviews(database=database, files=files, audit=audit, clock=clock),
            reports=Reports(
                database=database, audit=audit, results=results, moderators=moderators, clock=clock
            ),
            outbox=outbox,
            servers=Servers(
                database=database,
                audit=audit,
                outbox=outbox,
                bounds=bounds_of(settings),
                languages=languages,
            ),
            wildcards=Wildcards(database=database, audit=audit, shipped=shipped_wildcards()),
            languages=languages,
            news=MakerNews(database=database, clock=clock),
            weekly=WeeklyReports(database=database, clock=clock, folder=settings.data_dir),
            painting=Painting(settings, database=database, jobs=jobs, clock=clock),
            people=People(database=database, files=files, jobs=jobs, clock=clock),
            gallery=gallery,
            stars=Stars(gallery),
            browser=Browser(database),
            collections=Collections(database=database, results=results, clock=clock),
            collection_files=CollectionFiles(database=database, pictures=files.pictures, sign=sign),
            links=CollectionLinks(database=database, clock=clock, origin=settings.web_origin),
            sign=sign,
        )


def compose_jobs(
    settings: Settings,
    *,
    files: KeptFiles,
    audit: Audit,
    tags: TagIndex,
    loras: LoraLibrary,
    load: Load | None,
    clock: Clock,
    sharing: Sharing,
    observer: Observer,
) -> JobService:
    """The job service and what it is built on. ModelError if TAGGER names no tagger."""
    tagger = tagger_folder(settings)
    store = JobStore(files.database, files, audit)
    line = Line()
    runner = Runner(
        store=store,
        line=line,
        workers=workers_for(load, sharing.schedule_here),
        clock=clock,
        version=f"Ekaki {version('ekaki')}",
        check=None if tagger is None or load is None else OutputCheck(partial(open_tagger, tagger)),
        open_ended=settings.hosts != "local" and load is not None,
        loras=LoraCheck(files.database, loras),
        schedule=sharing.everywhere,
        unload_after_s=settings.unload_after_minutes * 60,
        observer=observer,
    )
    rules = JobRules(
        defaults=defaults_of(settings),
        limits=Limits.of(settings),
        category_of=tags.category_of,
        rating_of=tags.sexual_rating_of,
        alias_of=tags.alias_of,
        series_of=tags.series_of,
        nearest=partial(nearest, tags),
        max_age_s=settings.job_max_age_minutes * 60,
        kept_s=settings.pictures_kept_days * DAY_S or None,
        prompts_kept_s=settings.prompts_kept_days * DAY_S or None,
        max_weight=settings.max_role_weight,
        loras=loras,
        wildcards=shipped_wildcards(),
        output_check=tagger is not None,
    )
    return JobService(
        store=store, line=line, runner=runner, clock=clock, rules=rules, observer=observer
    )


def observer_of(settings: Settings) -> Observer:
    """What counts for METRICS_ADDRESS; without one nothing does, and its library is not loaded."""
    if not settings.metrics_address:
        return NOBODY
    from bot.watch.counting import Counting

    return Counting()


def compose_hosts(
    settings: Settings, *, jobs: JobService, database: Database, clock: Clock, schedule: Schedule
) -> Hosts:
    """What has other machines draw, at the times of `schedule`."""
    cluster = Cluster(ClusterOptions.of(settings))
    return Hosts(
        runner=jobs.runner,
        cluster=cluster,
        database=database,
        clock=clock,
        schedule=schedule,
        loras=settings.lora_folder,
    )


def open_tagger(folder: Path) -> "Tagger":
    """Load the tagger; ModelError says why it can't be used. Imports the engine's libraries."""
    from pipeline.tagger.tagger import Tagger

    return Tagger.open(folder)


def bounds_of(settings: Settings) -> OwnerBounds:
    """The highest limits that a server may set for its members."""
    high = {
        "pictures_per_hour": settings.pictures_per_hour,
        "pictures_per_day": settings.pictures_per_day,
        "waiting_jobs": settings.waiting_jobs_per_user,
        "max_count": settings.max_count,
        "max_steps": settings.max_steps,
        "weight": settings.max_role_weight,
    }
    return OwnerBounds(high={name: value for name, value in high.items() if value})  # 0: none


def hold_place(files: KeptFiles, lock: Lock | None) -> None:
    """Watch all files that must stay in place while the bot runs. Raises OSError."""
    place = files.database.place
    for kind in (files.pictures, files.uploads, files.withheld):
        make_folder(kind.folder)
        place.hold(kind.folder)
    if lock is not None:
        lock.tell_database(files.database.path)
        place.hold(lock.path)

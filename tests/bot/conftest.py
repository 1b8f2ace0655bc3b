"""The real job service over a real database, with an engine that tests hold in their hands."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.jobs.accept.decide import JobRules
from bot.jobs.accept.limits import Limits
from bot.jobs.draw.eta import Pace
from bot.jobs.draw.line import Line
from bot.jobs.draw.runner import Runner
from bot.jobs.draw.schedule import ALWAYS_DRAWS, Schedule
from bot.jobs.draw.worker import EngineWorker
from bot.jobs.keep.files import KeptFiles
from bot.jobs.keep.output_check import OutputCheck
from bot.jobs.keep.store import JobStore
from bot.jobs.service import JobService
from bot.jobs.values import JobEvent, Origin, Terminal
from bot.library.people import People
from bot.library.results import Results
from bot.moderation.audit import Audit
from bot.safety.ceiling import Place, PlaceKind
from data.store.database import Database
from pipeline.engine.protocol import Engine
from pipeline.errors import ModelError
from pipeline.resolve import Defaults
from pipeline.tagger.tagger import Tagger
from tests.support.clock import ManualClock
from tests.support.fake_engine import FakeEngine
from tests.support.patience import PATIENCE_S

GENEROUS = Limits(
    pictures_per_hour=0, pictures_per_day=0, waiting_jobs_per_user=0, waiting_jobs_total=0
)


@dataclass
class Harness:
    """Everything that a test of the job service touches."""

    jobs: JobService
    database: Database
    files: KeptFiles
    engine: FakeEngine
    clock: ManualClock
    results: Results
    people: People

    async def stream(self, job_id: str) -> AsyncGenerator[JobEvent]:
        """Events from the current one to the last; none of a job that is gone."""
        mailbox, event = await self.jobs.watch(job_id), None
        while mailbox is not None and not isinstance(event, Terminal):
            event = await mailbox.newer(event)
            yield event

    async def events(self, job_id: str) -> list[JobEvent]:
        """All events until the end."""
        async with asyncio.timeout(PATIENCE_S):
            return [event async for event in self.stream(job_id)]

    async def ended(self, job_id: str) -> JobEvent:
        """The last event."""
        return (await self.events(job_id))[-1]


def origin(user_id: int = 1, **changes: object) -> Origin:
    """A member in an ordinary channel."""
    values: dict[str, object] = {
        "user_id": user_id,
        "guild_id": 10,
        "channel_id": 100,
        "place": Place(kind=PlaceKind.GUILD_TEXT),
        "application_id": 5,
        "interaction_token": "token",
        "token_expires_at": 1_800_000_900.0,
    }
    return Origin(**(values | changes))  # type: ignore[arg-type]


@asynccontextmanager
async def open_harness(
    folder: Path,
    *,
    engine: FakeEngine | None = None,
    others: Sequence[Callable[[], Engine]] = (),
    loads: Sequence[Callable[[], Engine]] | None = None,
    limits: Limits = GENEROUS,
    clock: ManualClock | None = None,
    load_error: ModelError | None = None,
    start: bool = True,
    while_loading: Callable[[], None] = lambda: None,
    tagger: Path | None = None,
    open_ended: bool = False,
    schedule: Schedule = ALWAYS_DRAWS,
    unload_after_s: float = 0.0,
) -> AsyncGenerator[Harness, None]:
    """The job service as `bot.compose` composes it, on `folder`. `others`: engines beside `engine`;
    `loads`: instead of both. `schedule`: of all engines."""
    engine = engine or FakeEngine()
    clock = clock or ManualClock()

    def load() -> Engine:
        while_loading()
        if load_error is not None:
            raise load_error
        return engine

    async with Database.open(folder / "test.db", busy_timeout_s=0.2) as database:
        files = KeptFiles.under(folder, database)
        store = JobStore(database, files, Audit(database=database, clock=clock))
        line = Line()
        pace = Pace()
        runner = Runner(
            store=store,
            line=line,
            workers=[
                EngineWorker(
                    each,
                    name=f"Engine {number}",
                    device=f"local/{number - 1}",
                    pace=pace,
                    schedule=schedule,
                )
                for number, each in enumerate((load, *others) if loads is None else loads, 1)
            ],
            clock=clock,
            version="Ekaki test",
            open_ended=open_ended,
            unload_after_s=unload_after_s,
            check=None if tagger is None else OutputCheck(lambda: Tagger.open(tagger, threads=1)),
        )
        jobs = JobService(
            store=store,
            line=line,
            runner=runner,
            clock=clock,
            rules=JobRules(
                defaults=Defaults(num_inference_steps=3),
                limits=limits,
                category_of=lambda _: None,
                rating_of=lambda _: None,
                max_age_s=3600,
                output_check=tagger is not None,
            ),
        )
        if start:
            await jobs.start()
        try:
            yield Harness(
                jobs=jobs,
                database=database,
                files=files,
                engine=engine,
                clock=clock,
                results=Results(
                    database=database,
                    files=files,
                    audit=store.audit,
                    clock=clock,
                ),
                people=People(database=database, files=files, jobs=jobs, clock=clock),
            )
        finally:
            engine.release()
            await jobs.stop()


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncGenerator[Harness, None]:
    async with open_harness(tmp_path) as opened:
        yield opened

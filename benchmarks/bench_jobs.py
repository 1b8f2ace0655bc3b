"""Fifty people at once: stalls, answers, time lost beside the model, honest ETAs.

The real bot in this process with a ticker in its loop; the loopback Discord and the people are
another process. Once with an engine whose steps take a fixed time, so that everything else is ours;
once with the `own` engine on random weights, which competes with the loop for the processor.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from benchmarks.bench_loop import MODEL, TICK_S
from benchmarks.report import Row, machine, percentile, print_report
from bot import app
from bot.common.secret import Secret
from bot.config.settings import Settings
from bot.jobs.values import Origin, Ticket
from data.store.database import DATABASE_NAME
from pipeline.engine.protocol import DrawnPicture, Engine, ModelDescription, Watch
from pipeline.request import GenerationRequest, ResolvedRequest
from tests.support.fake_engine import FakeEngine
from training.random_model import RandomKind, make_random_model

PEOPLE = 50
_STEP_S = 0.02
_STEPS = 10
_SPREAD_S = 3.0  # within which everybody asks


@dataclass
class Ticker:
    """Wakes every millisecond. `late_s`: how late it was; `busy_s`: how long the loop's thread
    computed in between, which is what of the lateness is our own."""

    late_s: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    busy_s: list[float] = field(default_factory=list[float])
    phase: str = "start"

    async def run(self) -> None:
        while True:
            began, computed = time.perf_counter(), time.thread_time()
            await asyncio.sleep(TICK_S)
            late = time.perf_counter() - began - TICK_S
            self.late_s.setdefault(self.phase, []).append(late)
            if self.phase == "busy":
                self.busy_s.append(time.thread_time() - computed)


@dataclass
class Stopwatch:
    """What the house took of each step, and the pauses between pictures. `began_at`: the first
    picture, `ended_at`: the last one."""

    beside_steps_s: list[float] = field(default_factory=list[float])
    pauses_s: list[float] = field(default_factory=list[float])
    began_at: float | None = None
    ended_at: float | None = None

    def reset(self) -> None:
        """Begin anew; not while a picture is drawn."""
        self.beside_steps_s, self.pauses_s = [], []
        self.began_at = self.ended_at = None

    def begin(self) -> None:
        now = time.perf_counter()
        if self.began_at is None:
            self.began_at = now
        if self.ended_at is not None:
            self.pauses_s.append(now - self.ended_at)

    def end(self) -> None:
        self.ended_at = time.perf_counter()


class TimedWatch:
    """Passes everything on, and measures how long the engine waits for the house at each step."""

    def __init__(self, watch: Watch, stopwatch: Stopwatch) -> None:
        self._watch = watch
        self._stopwatch = stopwatch
        self._asked_s = 0.0

    def is_cancelled(self) -> bool:
        began = time.perf_counter()
        cancelled = self._watch.is_cancelled()
        self._asked_s += time.perf_counter() - began
        return cancelled

    def on_step(self, step: int, steps: int, preview: Callable[[], Image.Image | None]) -> None:
        began = time.perf_counter()
        self._watch.on_step(step, steps, preview)
        took_s = time.perf_counter() - began
        self._stopwatch.beside_steps_s.append(took_s + self._asked_s)
        self._asked_s = 0.0


class FixedEngine(FakeEngine):
    """Steps of a fixed time at full size: what is left is the house's own."""

    def __init__(self, *, step_s: float = _STEP_S) -> None:
        super().__init__(scale=1, step_s=step_s)

    def picture(
        self,
        request: ResolvedRequest,
        index: int,  # noqa: ARG002
        init_image: Image.Image | None,  # noqa: ARG002
    ) -> Image.Image:
        return Image.effect_noise((request.width, request.height), 64).convert("RGB")


class Timed:
    """An engine under a stopwatch."""

    def __init__(self, engine: Engine, stopwatch: Stopwatch) -> None:
        self._engine = engine
        self._stopwatch = stopwatch

    @property
    def model(self) -> ModelDescription:
        return self._engine.model

    def draw(
        self,
        request: ResolvedRequest,
        index: int,
        watch: Watch,
        *,
        init_image: Image.Image | None = None,
        mask_image: Image.Image | None = None,
    ) -> DrawnPicture:
        self._stopwatch.begin()
        try:
            timed = TimedWatch(watch, self._stopwatch)
            return self._engine.draw(
                request, index, timed, init_image=init_image, mask_image=mask_image
            )
        finally:
            self._stopwatch.end()

    def close(self) -> None:
        self._engine.close()


@dataclass
class Promises:
    """The time that each job was promised at its acceptance."""

    eta_s: dict[str, float] = field(default_factory=dict[str, float])

    def watch(self, bot: app.Ekaki) -> None:
        """Listen to what the job service promises."""
        jobs = bot.services.jobs
        submit = jobs.submit

        async def listening(request: GenerationRequest, origin: Origin, **more: Any) -> Ticket:
            ticket = await submit(request, origin, **more)
            if ticket.queued.eta_s is not None:
                self.eta_s[ticket.job.id] = ticket.queued.eta_s
            return ticket

        setattr(jobs, "submit", listening)  # noqa: B010 - a method of this one object


async def _measure(
    name: str, settings: Settings, load: Callable[[], Engine], *, wanted: int
) -> list[Row]:
    """Everybody asks within seconds; `wanted` pictures are waited for."""
    ticker, stopwatch, promises = Ticker(), Stopwatch(), Promises()
    arguments = ["-m", "benchmarks.crowd", str(PEOPLE), str(wanted), str(_SPREAD_S)]
    crowd = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert crowd.stdin is not None
    assert crowd.stdout is not None
    about = json.loads(await crowd.stdout.readline())
    stop, ready = asyncio.Event(), asyncio.Event()

    def started(bot: app.Ekaki) -> None:
        promises.watch(bot)
        ready.set()

    bot = asyncio.create_task(
        app.run(
            _connected(settings, about),
            load=lambda: Timed(load(), stopwatch),
            stop=stop,
            ready=started,
        )
    )
    ticking = asyncio.create_task(ticker.run())
    try:
        await _loaded(bot, ready, settings)
        ticker.phase = "busy"
        crowd.stdin.write(b"go\n")
        answer = asyncio.create_task(crowd.stdout.readline())
        await asyncio.wait({answer, bot}, return_when=asyncio.FIRST_COMPLETED)
        if bot.done():
            bot.result()
        measured = json.loads(await answer)
        ticker.phase = "stop"
    finally:
        ticking.cancel()
        stop.set()
        await bot
        crowd.stdin.close()
        await crowd.wait()
    errors = await asyncio.to_thread(_eta_errors, settings, promises)
    return [
        Row(f"{name}: {row.name}", row.value) for row in _rows(ticker, stopwatch, measured, errors)
    ]


def _connected(settings: Settings, about: dict[str, str]) -> Settings:
    from dataclasses import replace

    return replace(settings, discord_token=Secret(about["token"]), discord_api_url=about["url"])


async def _loaded(bot: "asyncio.Task[int]", ready: asyncio.Event, settings: Settings) -> None:
    """Until the engine is there and listens to jobs: loading is measured by `bench_loop`."""
    await asyncio.wait(
        {bot, asyncio.create_task(ready.wait())}, return_when=asyncio.FIRST_COMPLETED
    )
    if bot.done():
        bot.result()
    await asyncio.sleep(1.0 if settings.model == "" else 5.0)


def _rows(
    ticker: Ticker, stopwatch: Stopwatch, measured: dict[str, Any], errors: list[float]
) -> list[Row]:
    late, busy = ticker.late_s["busy"], ticker.busy_s
    acknowledged = measured["acknowledged_ms"]
    beside_ms = [each * 1000 for each in stopwatch.beside_steps_s]
    pauses_ms = [each * 1000 for each in stopwatch.pauses_s]
    return [
        Row(
            f"/imagine acknowledged, {len(acknowledged)} people in {_SPREAD_S:.0f} s",
            f"p50 {percentile(acknowledged, 0.5):.1f} ms,"
            f" p99 {percentile(acknowledged, 0.99):.1f} ms ({measured['unanswered']} unanswered)",
        ),
        Row(
            "event loop held up",
            f"longest {max(late) * 1000:.1f} ms, p99 {percentile(late, 0.99) * 1000:.1f} ms",
        ),
        Row(
            "event loop itself computing in one go",  # without what others took from it
            f"longest {max(busy) * 1000:.1f} ms, p99 {percentile(busy, 0.99) * 1000:.1f} ms",
        ),
        Row(
            "beside the model, a step",
            f"p50 {percentile(beside_ms, 0.5):.3f} ms, p99 {percentile(beside_ms, 0.99):.2f} ms",
        ),
        Row(
            "between two pictures",
            f"p50 {percentile(pauses_ms, 0.5):.1f} ms, p99 {percentile(pauses_ms, 0.99):.1f} ms",
        ),
        Row(
            "ETA at acceptance against the truth",
            "not measured"
            if not errors
            else f"off by p50 {percentile(errors, 0.5):.0%}, p90 {percentile(errors, 0.9):.0%}"
            f" ({len(errors)} jobs)",
        ),
        Row("pictures delivered", f"{measured['done']} in {measured['took_s']:.1f} s"),
    ]


def _eta_errors(settings: Settings, promises: Promises) -> list[float]:
    """By how much of the real time the promise was wrong, of each finished job."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(settings.data_dir / DATABASE_NAME)) as connection:
        ended = connection.execute(
            "SELECT id, ended_at - accepted_at FROM jobs WHERE state = 'finished'"
        ).fetchall()
    return [
        abs(promises.eta_s[job_id] - real_s) / real_s
        for job_id, real_s in ended
        if job_id in promises.eta_s
    ]


def _settings(state: str, **more: Any) -> Settings:
    return Settings(
        data_dir=Path(state),
        pictures_per_hour=0,
        pictures_per_day=0,
        waiting_jobs_per_user=0,
        waiting_jobs_total=0,
        **more,
    )


def run() -> list[Row]:
    """All figures. Makes the random model if it is not there."""
    if not MODEL.is_dir():
        make_random_model(MODEL, kind=RandomKind.DEMO)
    rows: list[Row] = []
    with TemporaryDirectory(prefix="ekaki-bench-") as state:
        fixed = _settings(state, model="", default_steps=_STEPS)
        app.engine_loader(_settings(state, model=str(MODEL)))  # imports before the loop, as `run`
        rows += asyncio.run(_measure("fixed steps", fixed, FixedEngine, wanted=PEOPLE))
    with TemporaryDirectory(prefix="ekaki-bench-") as state:
        own = _settings(state, model=str(MODEL), default_steps=4)
        rows += asyncio.run(_measure("own engine", own, app.engine_loader(own), wanted=8))
    return rows


if __name__ == "__main__":
    print(machine())
    print_report("Fifty people at once", run())

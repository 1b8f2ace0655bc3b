"""While jobs wait: time outside the model, several people at once, who waits how long.

The bot's own job service (SQLite on this disk, output check, PNG, files) and the `own` engine on
random weights, without Discord. `benchmarks.fairness` orders simulated arrivals.
"""

import asyncio
import io
import random
import statistics
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from PIL import Image

from benchmarks import fairness
from benchmarks.bench_jobs import FixedEngine, Stopwatch, Timed
from benchmarks.bench_loop import MODEL
from benchmarks.budget import Budget
from benchmarks.report import Row, machine, percentile, print_report
from bot import app
from bot.compose import open_services
from bot.config.settings import Settings
from bot.jobs.service import JobService
from bot.jobs.values import Completed, Origin
from bot.safety.ceiling import Place, PlaceKind
from pipeline.engine.protocol import Engine
from pipeline.request import GenerationRequest
from training.random_model import RandomKind, make_random_model

PEOPLE: Final = 8
ROUNDS: Final = 3
_CARD_STEPS: Final = 10
_CARD_STEP_S: Final = 0.15
_FIXED_S: Final = 50.0  # of the budget; the rest is the model's
_OWN_STEPS: Final = 4
_SIZES: Final = ("512x768", "768x512")  # the same number of pixels
_PICTURES_S: Final = (3.0, 20.0, 600.0)  # of SDXL: a large card, a small one, a processor

_number = count()


@dataclass
class Measured:
    """Of rounds of one kind. `shares` of time outside the model, one a round."""

    pauses_s: list[float] = field(default_factory=list[float])
    shares: list[float] = field(default_factory=list[float])
    took_s: list[float] = field(default_factory=list[float])

    def row(self, name: str) -> Row:
        """The pauses between two pictures and the share of all time outside the model."""
        pauses_ms = [each * 1000 for each in self.pauses_s]
        return Row(
            f"outside the model, {name}",
            f"{statistics.median(self.shares):.2%} of the time; between two pictures"
            f" p50 {percentile(pauses_ms, 0.5):.1f} ms, mean {statistics.mean(pauses_ms):.1f} ms,"
            f" p90 {percentile(pauses_ms, 0.9):.1f} ms",
        )

    def computed_row(self, name: str) -> Row:
        """The same pause beside the pictures of the real model."""
        pause_s = statistics.mean(self.pauses_s)
        shares = (f"{pause_s / (pause_s + each):.3%} of {each:g} s" for each in _PICTURES_S)
        return Row(f"computed for SDXL, {name}", ", ".join(shares) + " a picture")


class People:
    """Eight members who ask the job service, all at once or one after another."""

    def __init__(self, jobs: JobService, stopwatch: Stopwatch) -> None:
        self._jobs = jobs
        self._stopwatch = stopwatch

    async def at_once(self, requests: Sequence[GenerationRequest], measured: Measured) -> None:
        """Everybody asks at the same time; noted in `measured`."""
        self._stopwatch.reset()
        began = time.perf_counter()
        await asyncio.gather(*(self._ask(user, request) for user, request in enumerate(requests)))
        self._note(measured, time.perf_counter() - began)

    async def in_turn(self, requests: Sequence[GenerationRequest], measured: Measured) -> None:
        """The next one asks when the one before has it all."""
        self._stopwatch.reset()
        began = time.perf_counter()
        for user, request in enumerate(requests):
            await self._ask(user, request)
        self._note(measured, time.perf_counter() - began)

    async def uploads(self, dice: random.Random) -> list[str]:
        """A picture to begin from for everybody, kept by the service; content hashes."""
        return [await self._upload(dice) for _ in range(PEOPLE)]

    async def _upload(self, dice: random.Random) -> str:
        colours = bytes(dice.randrange(256) for _ in range(64 * 64 * 3))
        image = Image.frombytes("RGB", (64, 64), colours).resize((1024, 1024))
        buffer = io.BytesIO()
        image.save(buffer, format="PNG")
        return (await self._jobs.put_upload(buffer.getvalue())).content_hash

    async def _ask(self, user: int, request: GenerationRequest) -> None:
        ticket = await self._jobs.submit(request, origin_of(user + 1))
        mailbox = await self._jobs.watch(ticket.job.id)
        assert mailbox is not None
        await mailbox.over.wait()
        assert isinstance(mailbox.event, Completed), mailbox.event

    def _note(self, measured: Measured, took_s: float) -> None:
        watch = self._stopwatch
        assert watch.began_at is not None
        assert watch.ended_at is not None
        outside_s = sum(watch.pauses_s) + sum(watch.beside_steps_s)
        measured.pauses_s += watch.pauses_s
        measured.shares.append(outside_s / (watch.ended_at - watch.began_at))
        measured.took_s.append(took_s)


def origin_of(user_id: int) -> Origin:
    """A member in a channel of one server."""
    return Origin(
        user_id=user_id,
        guild_id=10,
        channel_id=100,
        place=Place(kind=PlaceKind.GUILD_TEXT),
        application_id=5,
        interaction_token="token",  # noqa: S106 - nobody is answered
        token_expires_at=time.time() + 900,
    )


def _requests(
    *, init_pictures: Sequence[str] = (), sizes: Sequence[str] = ()
) -> list[GenerationRequest]:
    """One a person. No prompt comes twice: its embeddings must not be cached."""
    return [
        GenerationRequest(
            prompt=f"1girl, cherry blossoms, number {next(_number)}",
            seed=user,
            aspect=sizes[user % len(sizes)] if sizes else None,
            init_picture=init_pictures[user] if init_pictures else None,
            strength=0.6 if init_pictures else None,
        )
        for user in range(PEOPLE)
    ]


@asynccontextmanager
async def _people(settings: Settings, load: Callable[[], Engine]) -> AsyncGenerator[People, None]:
    stopwatch = Stopwatch()
    async with open_services(settings, load=lambda: Timed(load(), stopwatch)) as services:
        await services.jobs.start()
        yield People(services.jobs, stopwatch)


def _settings(state: str, *, steps: int) -> Settings:
    return Settings(
        data_dir=Path(state),
        model=str(MODEL),
        default_steps=steps,
        pictures_per_hour=0,
        pictures_per_day=0,
        waiting_jobs_per_user=0,
        waiting_jobs_total=0,
    )


async def _fixed_steps(budget: Budget) -> list[Row]:
    """Steps that leave the processor alone, as those of a card do."""
    words, begun = Measured(), Measured()
    dice = random.Random(5)
    with TemporaryDirectory(prefix="ekaki-bench-") as state:
        settings = _settings(state, steps=_CARD_STEPS)
        async with _people(settings, lambda: FixedEngine(step_s=_CARD_STEP_S)) as people:
            await people.at_once(_requests(init_pictures=await people.uploads(dice)), Measured())
            for number in range(ROUNDS):
                if number and not budget.allows(2 * words.took_s[-1]):
                    break
                await people.at_once(_requests(), words)
                await people.at_once(_requests(init_pictures=await people.uploads(dice)), begun)
    name = f"pictures of {_CARD_STEPS * _CARD_STEP_S:.1f} s"
    return [
        words.row(f"{name}, from words"),
        begun.row(f"{name}, from pictures"),
        words.computed_row("from words"),
        begun.computed_row("from pictures"),
    ]


async def _own_engine(budget: Budget) -> list[Row]:
    """Rounds of each kind in turns, so that what else the machine does meets all of them."""
    at_once, in_turn, switching, staying = (Measured() for _ in range(4))
    with TemporaryDirectory(prefix="ekaki-bench-") as state:
        settings = _settings(state, steps=_OWN_STEPS)
        async with _people(settings, app.engine_loader(settings)) as people:
            await people.at_once(_requests(sizes=_SIZES)[:2], Measured())  # both sizes once
            for number in range(ROUNDS):
                if number and not budget.allows(4 * at_once.took_s[-1]):
                    break
                await people.at_once(_requests(sizes=_SIZES[:1]), at_once)
                await people.in_turn(_requests(sizes=_SIZES[:1]), in_turn)
                await people.at_once(_requests(sizes=_SIZES), switching)
                await people.at_once(_requests(sizes=_SIZES[number % 2 :][:1]), staying)
    ratio = statistics.median(in_turn.took_s) / statistics.median(at_once.took_s)
    switch = statistics.median(switching.took_s) / statistics.median(staying.took_s)
    each_s = statistics.median(at_once.took_s) / PEOPLE
    return [
        at_once.row("own engine, from words"),
        Row(
            f"{PEOPLE} people at once against {PEOPLE} one after another",
            f"{ratio:.2f} times the pictures a second ({each_s:.2f} s each at once)",
        ),
        Row("two sizes in turns against one size", f"{switch:.2f} times as long"),
    ]


def run(budget: Budget | None = None) -> list[Row]:
    """All figures, in as many rounds as `budget` allows and one at least. Makes the random model if
    it is not there."""
    budget = budget or Budget()
    if not MODEL.is_dir():
        make_random_model(MODEL, kind=RandomKind.DEMO)
    return [
        *asyncio.run(_fixed_steps(budget.at_most(_FIXED_S))),
        *asyncio.run(_own_engine(budget)),
        *fairness.rows(),
    ]


if __name__ == "__main__":
    print(machine())
    print_report("While jobs wait", run())

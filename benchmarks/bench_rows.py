"""`python -m benchmarks rows`: several people's pictures at once, on one device.

How long a step of several pictures takes is measured on this machine. Who waits how long is
simulated with it, with the bot's own queue, for 1, 4, 8 and 32 people; and for cards, of which
nothing was measured, by assumed steps.
"""

import heapq
import random
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from benchmarks.bench_engine import REQUEST
from benchmarks.bench_loop import MODEL
from benchmarks.budget import Budget
from benchmarks.report import Row, percentile
from bot.jobs.draw.fair_queue import FairQueue, Unit
from bot.jobs.draw.line import PASSES
from pipeline.engine.own import OwnEngine
from pipeline.load import import_engine, load_engine
from pipeline.model.options import EngineOptions
from training.random_model import RandomKind, make_random_model

PEOPLE: Final = (1, 4, 8, 32)
SLOTS: Final = 4
STEPS: Final = 28
PICTURES: Final = 2000  # of a simulation
_ROUNDS: Final = 20
SIDE: Final = 512
_THINKS: Final = 4.0  # pictures' time, on average, until a person asks again
_KINDS: Final = {"tall": 0.6, "square": 0.25, "wide": 0.15}
GREEDY: Final = 0
_ALWAYS: Final = 8  # pictures of the greedy one that wait


@dataclass(frozen=True, slots=True)
class Costs:
    """Of a device: seconds of a step of one picture, how much longer it takes for each further one
    (a share), and the seconds of decoding."""

    step_s: float
    more: float
    decode_s: float

    def step(self, pictures: int) -> float:
        """Seconds of a step of so many."""
        return self.step_s * (1 + self.more * (pictures - 1))

    @property
    def picture_s(self) -> float:
        """Of one alone."""
        return STEPS * self.step_s + self.decode_s


CARDS: Final = (
    ("card, each further picture 0.9 of a step", Costs(step_s=0.1, more=0.9, decode_s=0.3)),
    ("card, each further picture 0.6 of a step", Costs(step_s=0.1, more=0.6, decode_s=0.3)),
)


@dataclass(frozen=True, slots=True)
class Policy:
    """`passes`: how often one whose turn it is may be passed over by those that fit to what is
    drawn; None: whoever is next is drawn beside the others, in runs of their own."""

    name: str
    slots: int
    passes: int | None = None


ONE: Final = Policy("one after another", 1)
OURS: Final = Policy("at once", SLOTS, PASSES * SLOTS)
OTHERS: Final = (
    Policy("at once, in strict order", SLOTS, 0),
    Policy("at once, sizes side by side", SLOTS, None),
)


@dataclass(slots=True)
class Waits:
    """What came of a simulation: seconds from each request to its picture, by person."""

    took_s: float = 0.0
    by_person: dict[int, list[float]] = field(default_factory=dict[int, list[float]])

    @property
    def of_others(self) -> list[float]:
        """Of all but the greedy one, if there are others."""
        others = [waits for who, waits in self.by_person.items() if who != GREEDY]
        return [wait for waits in others or self.by_person.values() for wait in waits]

    def fairness(self) -> float:
        """Jain's index of the pictures that those got who ask one at a time: 1 is even."""
        counts = [len(waits) for who, waits in self.by_person.items() if who != GREEDY]
        if not counts:
            return 1.0
        return sum(counts) ** 2 / (len(counts) * sum(count**2 for count in counts))


class Device:
    """One device under a simulated clock. People ask for a picture, and again a while after they
    have it; the greedy one, if there are others, always has several waiting."""

    def __init__(self, costs: Costs, policy: Policy, people: int, *, seed: int = 3) -> None:
        self._costs, self._policy, self._people = costs, policy, people
        self._dice = random.Random(seed)
        self._queue = FairQueue()
        self._asked: dict[str, float] = {}
        self._coming: list[tuple[float, int]] = []
        self._left: dict[Unit, int] = {}  # steps of what is drawn
        self._number = 0
        self.now = 0.0

    def run(self, pictures: int = PICTURES) -> Waits:
        """Until so many are drawn."""
        waits = Waits(by_person={who: [] for who in range(self._people)})
        for who in range(self._people):
            heapq.heappush(self._coming, (self._pause(), who))
        if self._people > 1:
            for _ in range(_ALWAYS):
                self._ask(GREEDY)
        done = 0
        while done < pictures:
            self._arrive()
            self._take()
            if not self._left:
                self.now = self._coming[0][0]
                continue
            for unit in self._step():
                done += 1
                self.now += self._costs.decode_s
                del self._left[unit]
                waits.by_person[unit.user_id].append(self.now - self._asked.pop(unit.job_id))
                self._ask_again(unit.user_id)
        waits.took_s = self.now
        return waits

    def _pause(self) -> float:
        return self.now + self._dice.expovariate(1 / (_THINKS * self._costs.picture_s))

    def _ask(self, who: int) -> None:
        self._number += 1
        [kind] = self._dice.choices(list(_KINDS), list(_KINDS.values()))
        unit = Unit(job_id=str(self._number), index=0, user_id=who, kind=kind)
        self._asked[unit.job_id] = self.now
        self._queue.push(unit)

    def _ask_again(self, who: int) -> None:
        if who == GREEDY and self._people > 1:
            self._ask(who)
        else:
            heapq.heappush(self._coming, (self._pause(), who))

    def _arrive(self) -> None:
        while self._coming and self._coming[0][0] <= self.now:
            self._ask(heapq.heappop(self._coming)[1])

    def _take(self) -> None:
        while len(self._left) < self._policy.slots:
            kinds = {unit.kind for unit in self._left}
            if kinds and self._policy.passes is not None:
                unit = self._queue.pop_kind(kinds, passes=self._policy.passes)
            else:
                unit = self._queue.pop()
            if unit is None:
                return
            self._left[unit] = STEPS

    def _step(self) -> Sequence[Unit]:
        """A step of all: those of one kind share a run. What is done."""
        for pictures in Counter(unit.kind for unit in self._left).values():
            self.now += self._costs.step(pictures)
        for unit in self._left:
            self._left[unit] -= 1
        return [unit for unit, left in self._left.items() if left == 0]


def measured(budget: Budget) -> tuple[Costs, list[Row]]:
    """Steps of 1, 2 and 4 pictures on this machine's processor, in turn. The fastest counts: what
    else the machine does only makes them slower."""
    import_engine("own")
    options = EngineOptions(
        model=str(MODEL), models_dir=MODEL.parent, provider="cpu", draw_at_once=SLOTS
    )
    loaded = load_engine(options, progress=lambda _: None)
    engine = getattr(loaded, "engine", loaded)  # without its second pass
    assert isinstance(engine, OwnEngine)
    counts = (1, 2, SLOTS)
    seconds: dict[int, list[float]] = {count: [] for count in counts}
    decoding: list[float] = []
    for number in range(_ROUNDS):
        began = time.monotonic()
        for count in counts:
            rows = [
                engine.begin(replace(REQUEST, seed=seed, width=SIDE, height=SIDE), 0)
                for seed in range(count)
            ]
            engine.step(rows)
            stepped = time.perf_counter()
            engine.step(rows)
            seconds[count].append(time.perf_counter() - stepped)
            if count == 1:
                finished = time.perf_counter()
                engine.finish(rows[0])
                decoding.append(time.perf_counter() - finished)
        if number and not budget.allows(time.monotonic() - began):
            break
    engine.close()
    one, most = (min(seconds[count]) for count in (1, SLOTS))
    more = (most / one - 1) / (SLOTS - 1)
    told = ", ".join(f"{count}: {min(seconds[count]):.3f} s" for count in counts)
    row = Row("a step of so many pictures", f"{told}; each further one {more:.2f} of a step")
    return Costs(step_s=one, more=max(0.0, more), decode_s=min(decoding)), [row]


def run(budget: Budget) -> list[Row]:
    """All figures, for `make bench`. Makes the random model if it is not there."""
    if not MODEL.is_dir():
        make_random_model(MODEL, kind=RandomKind.DEMO)
    costs, rows = measured(budget)
    for name, each in (("this processor", costs), *CARDS):
        rows += [_row(name, each, policy, people) for people in PEOPLE for policy in (ONE, OURS)]
    name, each = CARDS[-1]
    return rows + [_row(name, each, policy, people) for people in PEOPLE[2:] for policy in OTHERS]


def _row(device: str, costs: Costs, policy: Policy, people: int) -> Row:
    waits = Device(costs, policy, people).run()
    alone = costs.picture_s
    others = [wait / alone for wait in waits.of_others]
    drawn = sum(len(each) for each in waits.by_person.values())
    return Row(
        f"{device}, {people} people, {policy.name}",
        cells={
            "pictures in the time of one alone": f"{drawn * alone / waits.took_s:.2f}",
            "wait in pictures, mean": f"{statistics.mean(others):.1f}",
            "95 %": f"{percentile(others, 0.95):.1f}",
            "longest": f"{max(others):.1f}",
            "fairness": f"{waits.fairness():.2f}",
        },
    )

"""The engines of all devices, and what those who wait are told of them."""

import math
from collections import Counter
from collections.abc import Iterable

from bot.jobs.draw.schedule import ALWAYS_DRAWS, Availability, Schedule
from bot.jobs.draw.worker import EngineWorker, State
from bot.jobs.values import Rest
from pipeline.engine.protocol import ModelDescription


class Engines:
    """Those of all devices. `everywhere`: when anything is drawn at all."""

    def __init__(
        self, workers: Iterable[EngineWorker] = (), everywhere: Schedule = ALWAYS_DRAWS
    ) -> None:
        self.workers = list(workers)
        self._everywhere = everywhere

    @property
    def model(self) -> ModelDescription | None:
        """The model in use; None before it was loaded for the first time."""
        first = sorted(self.workers, key=lambda worker: worker.state != "ready")
        return next((worker.model for worker in first if worker.model is not None), None)

    @property
    def loading(self) -> bool:
        """Whether none is ready to draw, and one here is being loaded or reopened, or one elsewhere
        is being loaded."""
        states = {worker.state for worker in self.workers}
        return "ready" not in states and any(
            worker.state == "loading" or (worker.state == "lost" and not worker.host)
            for worker in self.workers
        )

    @property
    def no_machine(self) -> bool:
        """Whether other machines draw and none of them is there."""
        return all(
            worker.state == "gone"
            or (worker.host and worker.state in {"lost", "resting"} and not worker.rest)
            for worker in self.workers
        )

    @property
    def rest(self) -> Rest | None:
        """Why none draws for now, and until when; None if one draws or is about to."""
        rests: list[Rest] = []
        for worker in self.workers:
            if worker.state not in {"lost", "gone"}:
                rest = worker.rest
                if rest is None and worker.state != "resting":
                    return None
                rests += [rest] if rest is not None else []
        return min(rests, key=_end, default=self._everywhere.rest())

    @property
    def devices(self) -> list[Availability]:
        """Of those that draw, or will when their rest or their loading ends."""
        return [
            worker.availability
            for worker in self.workers
            if worker.state in {"loading", "ready", "unloaded"}
            or (worker.state == "resting" and worker.rest)
        ]

    @property
    def states(self) -> Counter[State]:
        """How many devices are in each state: a device that draws several pictures counts once."""
        return Counter(worker.state for worker in self.workers if not worker.slot)

    @property
    def gone(self) -> bool:
        """Whether none can be used any more."""
        return all(worker.state == "gone" for worker in self.workers)


def _end(rest: Rest) -> float:
    return math.inf if rest.until is None else rest.until

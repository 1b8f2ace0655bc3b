"""The workers of this machine's devices."""

from collections.abc import Callable, Sequence

from bot.jobs.draw.eta import Pace
from bot.jobs.draw.schedule import Schedule
from bot.jobs.draw.worker import EngineWorker
from pipeline.engine.protocol import Engine

Load = Callable[[], Engine] | Sequence[Callable[[], Engine]]
"""Creates the engine, or the engines of several devices."""


def workers_for(load: Load | None, schedule: Callable[[], Schedule]) -> list[EngineWorker]:
    """A worker for each engine. A device that draws several pictures at once gets its others when
    it is known how many it has room for (`Runner`)."""
    if load is None:
        return []
    if callable(load):
        return [EngineWorker(load, schedule=schedule())]
    several, pace = len(load) > 1, Pace()
    return [
        EngineWorker(
            one,
            name=f"Engine {number} of {len(load)}" if several else "The engine",
            device=f"local/{number - 1}",
            pace=pace,
            schedule=schedule(),
        )
        for number, one in enumerate(load, 1)
    ]

"""Whether the bot lives, and whether it is ready: everything works that a member needs."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bot.client.client import EkakiBot
from bot.client.sharded import ShardView
from bot.common.wording import words
from bot.jobs.draw.engines import Engines
from bot.jobs.draw.worker import EngineWorker, State
from bot.jobs.values import Rest
from bot.watch.table import Part
from data.store import notes
from pipeline.errors import StorageError

WRITE_WITHIN_S: Final = 2.0
WRITE_EVERY_S: Final = 15.0
"""A probe writes to the disk at most this often: only a write shows that the disk is not full."""

_PROBE: Final = "health_probe"
_STATES: Final[tuple[State, ...]] = ("loading", "lost", "resting", "gone")  # the most hopeful first


@dataclass(frozen=True, slots=True)
class Readiness:
    """What is `missing`, by part, in a few words. `rest`: nothing is drawn for now, by the
    operator's wish; requests are accepted."""

    missing: Mapping[Part, str]
    rest: Rest | None = None

    @property
    def ready(self) -> bool:
        """Whether nothing is."""
        return not self.missing


def engine_problem(engines: Engines) -> str:
    """Why no engine draws; "" if one is ready, or all rest as they should."""
    if engines.rest is not None or any(_draws(worker) for worker in engines.workers):
        return ""
    states = {worker.state for worker in engines.workers}
    return next((state for state in _STATES if state in states), "none")


def _draws(worker: EngineWorker) -> bool:
    """Whether it draws, or, here, has just ended its rest: only others rest for other reasons."""
    return worker.state in {"ready", "unloaded"} or (worker.state == "resting" and not worker.host)


def gateway_problem(shards: Sequence[ShardView], *, begun: bool) -> str:
    """Why Discord's gateway sends nothing; "" if it does. `begun`: all shards were connected since
    the start. After that one of several may be down without any effect on other servers: the
    metrics tell."""
    connected = sum(shard.connected for shard in shards)
    if not connected:
        return "not connected"
    if begun:
        return ""
    return "connecting" if len(shards) == 1 else f"{connected} of {len(shards)} shards connected"


class Health:
    """Of one bot. Lives on the event loop."""

    def __init__(self, bot: EkakiBot) -> None:
        self._bot = bot
        self._services = bot.services
        self._written: tuple[float, str] | None = None  # when, and what was wrong

    @property
    def live(self) -> bool:
        """False while the bot is stopping. One that hangs does not answer at all."""
        return not self._bot.is_closed()

    async def readiness(self) -> Readiness:
        """Check every part."""
        jobs = self._services.jobs
        engines = jobs.runner.engines
        found: dict[Part, str] = {
            "login": "" if self._bot.user is not None else "not logged in",
            "gateway": gateway_problem(self._bot.shard_views(), begun=self._bot.is_ready()),
            "accepting": "" if jobs.accepting and self.live else "finishing or stopping",
            "database": await self._database_problem(),
            "engine": engine_problem(engines),
        }
        missing: dict[Part, str] = {part: problem for part, problem in found.items() if problem}
        return Readiness(missing, engines.rest)

    async def _database_problem(self) -> str:
        now = self._services.clock.monotonic()
        if self._written is None or now - self._written[0] >= WRITE_EVERY_S:
            self._written = now, await self._write()
        return self._written[1]

    async def _write(self) -> str:
        """Why the database can't be written; "" if it can."""
        at = f"{self._services.clock.time():.0f}"
        try:
            async with asyncio.timeout(WRITE_WITHIN_S):
                await self._services.database.write(notes.put, key=_PROBE, value=at)
        except TimeoutError:
            return "busy"
        except StorageError as error:
            return words(error)
        return ""

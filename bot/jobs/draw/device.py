"""The loop of one device: loads its engine, draws what the line provides, and reopens the engine
after the device was lost or the engine broke."""

# ruff: noqa: BLE001 - whatever a lost device raises, the others continue

import asyncio
import logging
from typing import Final

from bot.jobs.draw.announcer import Announcer
from bot.jobs.draw.drawing import Drawing
from bot.jobs.draw.fair_queue import Unit
from bot.jobs.draw.line import Line
from bot.jobs.draw.pace_store import PaceStore
from bot.jobs.draw.worker import (
    BrokenEngineError,
    EngineWorker,
    HungEngineError,
    State,
    is_device_lost,
)
from pipeline.errors import ModelError

_log = logging.getLogger(__name__)

PAUSES_S: Final = (1.0, 5.0, 20.0, 60.0)
"""Before each attempt to reopen a lost device. A driver that was reset is back within seconds; a
card that fell off the bus needs an operator. A broken CUDA context stays broken in this process:
without another device it exits after a minute or two, and its supervisor restarts it."""

HUNG: Final = "engine_hung"

_BREATH_S: Final = 1.0  # after a bug of our own, which may recur immediately


class Device:
    """One task runs `run`, which is then `over`. `storing`: what is drawn but not yet stored."""

    def __init__(
        self,
        worker: EngineWorker,
        *,
        line: Line,
        drawing: Drawing,
        pace: PaceStore,
        announcer: Announcer,
        stopping: asyncio.Event,
    ) -> None:
        self.worker = worker
        self.storing: set[asyncio.Task[None]] = set()
        self.over = False
        self._line = line
        self._drawing = drawing
        self._pace = pace
        self._announcer = announcer
        self._stopping = stopping

    async def run(self) -> None:
        """Draw until everything is stopped. Raises what makes this device unusable."""
        try:
            await self._open()
            while not self._stopping.is_set():
                unit = self._line.take()
                if unit is None:
                    self._line.arrived.clear()
                    await self._line.arrived.wait()
                    continue
                problem = await self._problem_of(unit)
                if problem is not None:
                    await self._open_again(problem)
        except Exception:
            self._set("gone")
            raise
        finally:
            self.over = True

    async def _problem_of(self, unit: Unit) -> str | None:
        """Draw `unit`. Returns the error's text if the engine must be reopened; the error itself
        would keep the engine alive."""
        try:
            await self._drawing.draw(self.worker, unit, self.storing)
        except HungEngineError as error:
            raise self._hung(error) from None
        except Exception as error:
            problem = _lost_or_broken(error)
            if problem is None:
                _log.exception("%s: the end of a picture went wrong", self.worker.name)
                await self._stopped_within(_BREATH_S)
            return problem
        return None

    async def _open(self) -> None:
        try:
            model = await self.worker.start()
        except HungEngineError as error:
            raise self._hung(error) from None
        await self._pace.restore(model)
        self._set("ready")

    def _hung(self, error: HungEngineError) -> ModelError:
        """Abandon a thread that does not return. Returns what makes it pointless to continue."""
        self.worker.leave()
        return ModelError(HUNG, **error.data)

    async def _open_again(self, problem: str) -> None:
        name = self.worker.name
        self._set("lost")
        _log.error("%s %s; it is opened again in %g s", name, problem, PAUSES_S[0])
        await self.worker.free()
        for number, pause_s in enumerate(PAUSES_S):
            if number:
                _log.warning("%s does not come back: %s; next try in %g s", name, problem, pause_s)
            if await self._stopped_within(pause_s):
                return
            try:
                await self._open()
            except Exception as error:
                if isinstance(error, ModelError) and error.key == HUNG:
                    raise
                problem = str(error)
            else:
                _log.warning("%s is back", name)
                return
        raise ModelError("device_gone", device=name, problem=problem)

    async def _stopped_within(self, pause_s: float) -> bool:
        try:
            async with asyncio.timeout(pause_s):
                await self._stopping.wait()
        except TimeoutError:
            return False
        return True

    def _set(self, state: State) -> None:
        self.worker.state = state
        self._announcer.announce()


def _lost_or_broken(error: Exception) -> str | None:
    if isinstance(error, BrokenEngineError):
        return f"broke: {error.data['problem']}"
    if is_device_lost(error):
        return f"was lost: {error.data.get('problem', error)}"
    return None

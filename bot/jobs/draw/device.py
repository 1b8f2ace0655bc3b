"""One device's loop: its engine is loaded, draws what the line gives, and is opened again when the
device was lost or the engine broke."""

# ruff: noqa: BLE001 - whatever a lost device raises, the others go on

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, Literal

from bot.jobs.draw.fair_queue import Unit
from bot.jobs.draw.line import Line
from bot.jobs.draw.worker import BrokenEngineError, EngineWorker, HungEngineError
from pipeline.engine.protocol import ModelDescription
from pipeline.errors import EngineError, ModelError

_log = logging.getLogger(__name__)

PAUSES_S: Final = (1.0, 5.0, 20.0, 60.0)
"""Before each try to open a lost device. A driver that was reset is back within seconds, a card
that fell off the bus needs a hand. What broke the CUDA context of this process stays broken in it:
without another device it ends after a minute or two, and whatever runs it starts it again."""

DEVICE_LOST: Final = "device_lost"
HUNG: Final = "engine_hung"

_BREATH_S: Final = 1.0  # after a fault of our own, which may come again at once

State = Literal["loading", "ready", "lost", "gone"]


class Device:
    """`draw` draws one unit to its end, and raises what is wrong with the device once the unit is
    dealt with: EngineError `device_lost`, BrokenEngineError or HungEngineError. `storing` has what
    it drew and is not stored yet. `opened` is told of each loaded model, `changed` of every change
    of `state`. One task runs `run`; whoever lines something up sets `wake`."""

    def __init__(
        self,
        worker: EngineWorker,
        *,
        line: Line,
        wake: asyncio.Event,
        stopping: asyncio.Event,
        draw: Callable[["Device", Unit], Awaitable[None]],
        opened: Callable[[ModelDescription], Awaitable[None]],
        changed: Callable[[], None],
    ) -> None:
        self.worker = worker
        self.state: State = "loading"
        self.storing: set[asyncio.Task[None]] = set()
        self.is_over = False
        self._line = line
        self._wake = wake
        self._stopping = stopping
        self._draw = draw
        self._opened = opened
        self._changed = changed

    async def run(self) -> None:
        """Draw until all is stopped. Raises what makes going on with this device senseless."""
        try:
            await self._open()
            while not self._stopping.is_set():
                unit = self._line.take()
                if unit is None:
                    self._wake.clear()
                    await self._wake.wait()
                    continue
                problem = await self._problem_of(unit)
                if problem is not None:
                    await self._open_again(problem)
        except Exception:
            self._set("gone")
            raise
        finally:
            self.is_over = True

    async def _problem_of(self, unit: Unit) -> str | None:
        """Draw `unit`; what was said if the engine is to be opened again. The error itself refers
        to the engine, which must go."""
        try:
            await self._draw(self, unit)
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
        await self._opened(model)
        self._set("ready")

    def _hung(self, error: HungEngineError) -> ModelError:
        """Leave a thread that does not come back; gives what makes going on senseless."""
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
        self.state = state
        self._changed()


def _lost_or_broken(error: Exception) -> str | None:
    if isinstance(error, BrokenEngineError):
        return f"broke: {error.data['problem']}"
    if isinstance(error, EngineError) and error.key == DEVICE_LOST:
        return f"was lost: {error.data.get('problem', error)}"
    return None

"""The loop of one device: loads its engine, draws what the line provides, and reopens the engine
after the device was lost or the engine broke."""

# ruff: noqa: BLE001 - whatever a lost device raises, the others continue

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from itertools import chain, repeat
from typing import Final

from bot.common.clock import Clock
from bot.common.wording import words
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
from pipeline.errors import EkakiError, ModelError
from pipeline.plan.memory import give_back_heap

_log = logging.getLogger(__name__)

PAUSES_S: Final = (1.0, 5.0, 20.0, 60.0)
"""Before each attempt to reopen a lost device. A driver that was reset is back within seconds; a
card that fell off the bus needs an operator. A broken CUDA context stays broken in this process:
without another device it exits after a minute or two, and its supervisor restarts it."""

HUNG: Final = "engine_hung"

LOOK_EVERY_S: Final = 30.0
"""While a device that is to be unloaded waits for its time."""

_BREATH_S: Final = 1.0  # after a bug of our own, which may recur immediately


class Device:
    """One task runs `run`, which is then `over`. `storing`: what is drawn but not yet stored.
    `pictures`: how many it dealt with. `unload_after_s`: without a picture, 0 never. `opened`: told
    whenever the engine was opened."""

    def __init__(
        self,
        worker: EngineWorker,
        *,
        line: Line,
        drawing: Drawing,
        pace: PaceStore,
        announcer: Announcer,
        stopping: asyncio.Event,
        clock: Clock,
        unload_after_s: float = 0.0,
        opened: Callable[[EngineWorker], None] = lambda _: None,
    ) -> None:
        self.worker = worker
        self.storing: set[asyncio.Task[None]] = set()
        self.over = False
        self.pictures = 0
        self._drained = False
        self._halted = False
        self._line = line
        self._drawing = drawing
        self._pace = pace
        self._announcer = announcer
        self._stopping = stopping
        self._clock = clock
        self._unload_after_s = unload_after_s
        self._opened = opened
        self.worker.used_at = clock.monotonic()
        self._leaving = asyncio.Event()

    def drain(self, drained: bool) -> None:
        """Take no more pictures, or take them again. What is drawn is finished."""
        self._drained = drained
        self.settle()

    def settle(self) -> None:
        """Rest or draw, as the schedule says now."""
        if self._rests and self.worker.state == "ready":
            self._set("resting")
        elif not self._rests and self.worker.state == "resting":
            self._set("ready")
        if self.worker.schedule.gives_back:
            self.worker.interrupted.set()
        else:
            self.worker.interrupted.clear()
        self._line.arrived.set()

    @property
    def _rests(self) -> bool:
        return self._drained or self.worker.rest is not None or not self.worker.has_room

    def leave(self) -> None:
        """End `run`: the machine is gone. What it drew is drawn elsewhere."""
        self._leaving.set()
        self._line.arrived.set()

    async def run(self) -> None:
        """Draw until everything is stopped. Raises what makes this device unusable."""
        try:
            if self.worker.host:
                await self._open_host()
            else:
                await self._until_there_is_room()
                await self._open()
            while not self._over():
                if self.worker.state == "unloaded" and not self._rests and len(self._line):
                    await self._load_again()
                    continue
                if self.worker.is_lost:
                    await self._open_again("was lost with another picture")
                    continue
                if self.worker.state == "resting" and not self._rests:
                    self._set("ready")  # another one left it the room
                unit = None if self._rests else self._line.take(self.worker.availability)
                if unit is None:
                    await self._wait()
                    continue
                self._halted = False
                problem = await self._problem_of(unit)
                if problem is not None:
                    await self._open_again(problem)
        except Exception:
            self._set("gone")
            raise
        finally:
            self.over = True
            self._line.arrived.set()  # others may have room for what it leaves

    async def _until_there_is_room(self) -> None:
        """Other programs may need the device when the bot starts."""
        while self.worker.schedule.busy and not self._over():
            await self._line_changes(None)

    async def _wait(self) -> None:
        """Until there may be something to do. The memory is given back meanwhile if others need it,
        or if nothing was drawn for long."""
        if self._rests and not self._halted:
            self._halted = True
            if self.worker.state == "ready":  # memory ran out: it has no room any more
                self.worker.state = "resting"
            self._announcer.announce()  # a job whose picture was just drawn waits for its next
            await self._drawing.rest()
            return  # what has arrived meanwhile must be seen
        is_loaded = self.worker.state in {"ready", "resting"} and not self.worker.host
        if is_loaded and self.worker.schedule.gives_back:
            await self._unload("other programs need its memory")
        elif not is_loaded or not self._unload_after_s:
            await self._line_changes(None)
        else:
            mates = self.worker.mates
            idle_s = self._clock.monotonic() - max(each.used_at for each in mates)
            if self.worker.device_draws:
                await self._line_changes(LOOK_EVERY_S)
            elif idle_s >= self._unload_after_s:
                await self._unload("it had nothing to do")
            else:
                await self._line_changes(min(self._unload_after_s - idle_s, LOOK_EVERY_S))

    async def _line_changes(self, within_s: float | None) -> None:
        self._line.arrived.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._line.arrived.wait()

    async def _unload(self, reason: str) -> None:
        await self.worker.free()
        await asyncio.to_thread(give_back_heap)
        _log.info("%s was unloaded: %s", self.worker.name, reason)
        self._set("unloaded")

    async def _load_again(self) -> None:
        self._set("loading")
        try:
            await self._open()
        except Exception as error:
            if isinstance(error, ModelError) and error.key == HUNG:
                raise
            await self._open_again(f"can't be loaded again: {error}")

    async def _problem_of(self, unit: Unit) -> str | None:
        """Draw `unit`. Returns the error's text if the engine must be reopened; the error itself
        would keep the engine alive."""
        try:
            await self._drawing.draw(self.worker, unit, self.storing, self._pace)
            self.pictures += 1
            self.worker.used_at = self._clock.monotonic()
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
        self.worker.used_at = self._clock.monotonic()
        self._set("resting" if self._rests else "ready")
        self._opened(self.worker)

    async def _open_host(self) -> None:
        """As `_open`, though a machine that does not respond is tried again. ModelError says why it
        can't be used."""
        try:
            await self._open()
        except ModelError:
            raise
        except Exception as error:
            await self._open_again(f"can't be reached: {_said(error)}")

    def _over(self) -> bool:
        return self._stopping.is_set() or self._leaving.is_set()

    def _hung(self, error: HungEngineError) -> ModelError:
        """Abandon a thread that does not return. Returns what makes it pointless to continue."""
        self.worker.leave()
        return ModelError(HUNG, **error.data)

    async def _open_again(self, problem: str) -> None:
        name = self.worker.name
        self._set("lost")
        _log.error("%s %s; it is opened again in %g s", name, problem, PAUSES_S[0])
        await self.worker.free()
        # A machine that left the cluster ends this by `leave`; one that is in it may come back.
        pauses_s = chain(PAUSES_S, repeat(PAUSES_S[-1])) if self.worker.host else PAUSES_S
        for number, pause_s in enumerate(pauses_s):
            if number:
                _log.warning("%s does not come back: %s; next try in %g s", name, problem, pause_s)
            if await self._stopped_within(pause_s):
                return
            try:
                await self._open()
            except Exception as error:
                if isinstance(error, ModelError) and (error.key == HUNG or self.worker.host):
                    raise
                problem = _said(error)
            else:
                _log.warning("%s is back", name)
                return
        raise ModelError("device_gone", device=name, problem=problem)

    async def _stopped_within(self, pause_s: float) -> bool:
        waits = [asyncio.create_task(each.wait()) for each in (self._stopping, self._leaving)]
        try:
            await asyncio.wait(waits, timeout=pause_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
        return self._over()

    def _set(self, state: State) -> None:
        self.worker.state = state
        self._announcer.announce()


def _said(error: Exception) -> str:
    if not isinstance(error, EkakiError):
        return str(error)
    return str(error.data.get("problem", "")) or words(error)


def _lost_or_broken(error: Exception) -> str | None:
    if isinstance(error, BrokenEngineError):
        return f"broke: {error.data['problem']}"
    if is_device_lost(error):
        return f"was lost: {error.data.get('problem', error)}"
    return None

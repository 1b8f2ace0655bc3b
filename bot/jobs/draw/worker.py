"""One thread owns an engine; the event loop gives it one picture after another."""

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Final, Literal, TypeGuard, TypeVar

from PIL import Image

from bot.common.work_thread import BrokenWorkError, WorkThread
from bot.jobs.draw.drawn_check import check_drawn
from bot.jobs.draw.energy import EnergyMeter, measured
from bot.jobs.draw.eta import Pace
from bot.jobs.draw.loop_watch import LoopWatch, Step
from bot.jobs.draw.schedule import ALWAYS_DRAWS, Availability, Schedule
from bot.jobs.values import Rest
from pipeline.engine.protocol import (
    DrawnPicture,
    Engine,
    ModelDescription,
    SlotLoader,
    slot_of,
)
from pipeline.errors import Cancelled, EngineError
from pipeline.request import ResolvedRequest

_log = logging.getLogger(__name__)

THREAD_NAME: Final = "engine"
QUIET_S: Final = 600.0
"""How long the engine may show no activity before that is logged: the longest steps of large
pictures on a processor take minutes."""
HUNG_AFTER: Final = 6
"""After this many times `QUIET_S` without activity, the engine is abandoned."""
CLOSE_S: Final = 60.0
"""For an engine to close. One that hangs is abandoned with its thread."""

HOST_LOST: Final = "host_lost"

State = Literal["loading", "ready", "resting", "unloaded", "lost", "gone"]
"""`unloaded`: its memory was given back; it is loaded for the next picture."""
T = TypeVar("T")


class BrokenEngineError(EngineError):
    """The engine violated its contract: reopen it, and don't try its picture again."""

    def __init__(self, problem: str) -> None:
        super().__init__("engine_failed", problem=problem)


class HungEngineError(EngineError):
    """The engine's thread does not return and can't be used any more."""

    def __init__(self, quiet_s: float) -> None:
        super().__init__("engine_hung", quiet_s=quiet_s)


class YieldedError(EngineError):
    """The picture was interrupted, because others need the memory."""

    def __init__(self) -> None:
        super().__init__("engine_failed", problem="it made room for another program")


class EngineWorker:
    """The engine and its thread. `load` is called in that thread. `name`: for the log. `device`:
    machine and number, for metrics. `pace`: shared by the devices of a machine. `host`: the other
    machine on which it draws, "" for this one. `schedule`: when it draws. `state` is maintained by
    its device. `interrupted`: set as long as it is to draw nothing, not even the picture that it
    has begun.

    A device that draws several pictures at once has one worker for each, its `mates`, which share
    the schedule; this one has number `slot`."""

    def __init__(
        self,
        load: Callable[[], Engine],
        *,
        name: str = "The engine",
        device: str = "local/0",
        pace: Pace | None = None,
        host: str = "",
        schedule: Schedule = ALWAYS_DRAWS,
        first: "EngineWorker | None" = None,
    ) -> None:
        self.mates: list[EngineWorker] = [] if first is None else first.mates
        self.slot = len(self.mates)
        self.mates.append(self)
        self.used_at = 0.0
        self.name = name
        self.device = device
        self.pace = pace or Pace()
        self.host = host
        self.schedule = schedule
        self.availability = Availability(self.pace, schedule.opens, device)
        self.interrupted = threading.Event()
        self.is_drawing = False
        self.energy: EnergyMeter | None = None if first is None else first.energy
        self.state: State = "loading"
        self._load = load
        self._thread = WorkThread(THREAD_NAME)
        self._engine: Engine | None = None
        self._left = False
        self.model: ModelDescription | None = None

    @property
    def rest(self) -> Rest | None:
        """Why it takes no pictures by its schedule, and until when; None: it does."""
        return self.schedule.rest()

    @property
    def device_draws(self) -> bool:
        """Whether this one or one of its mates draws."""
        return any(mate.is_drawing for mate in self.mates)

    @property
    def slots(self) -> int:
        """How many pictures its device draws at once."""
        slot = slot_of(self._engine)
        return 1 if slot is None else slot.slots

    @property
    def has_room(self) -> bool:
        """Whether its device has room for it; not after memory ran out."""
        slot = slot_of(self._engine)
        return slot is None or slot.has_room

    @property
    def is_lost(self) -> bool:
        """Whether its device was lost while another one drew with it."""
        slot = slot_of(self._engine)
        return slot is not None and slot.is_lost

    def beside(self) -> "EngineWorker | None":
        """One more worker for the same device, if it draws several pictures at once."""
        load = self._load
        if not isinstance(load, SlotLoader):
            return None
        number = len(self.mates)
        return EngineWorker(
            load.beside(number),
            name=f"{self.name}, slot {number + 1}",
            device=self.device,
            pace=self.pace,
            schedule=self.schedule,
            first=self,
        )

    async def start(self) -> ModelDescription:
        """Load the engine; ModelError says what is missing. BrokenWorkError: it is no engine.
        HungEngineError: loading does not return, so the thread is lost."""

        def load() -> tuple[Engine, ModelDescription]:
            engine = self._load()
            if not isinstance(engine.model, ModelDescription):  # pyright: ignore[reportUnnecessaryIsInstance] - an engine may break its word
                raise BrokenWorkError(f"its model is {type(engine.model).__name__}")
            return engine, engine.model

        loading = asyncio.ensure_future(self._thread.call(load))
        self._engine, self.model = await self._heard(lambda: 0, loading, "is loaded")
        return self.model

    async def draw(
        self,
        request: ResolvedRequest,
        index: int,
        *,
        init_image: Image.Image | None = None,
        mask_image: Image.Image | None = None,
        cancelled: threading.Event,
        on_step: Callable[[Step], None],
    ) -> DrawnPicture:
        """Draw picture `index`, from `init_image` if the request starts from a picture, of which
        `mask_image` may tell the part that is redrawn.

        `on_step` is called on the loop. Raises as `Engine.draw` does, BrokenEngineError or
        HungEngineError if the engine violates its contract, and YieldedError if it stopped
        because it was `interrupted`.

        When this task is cancelled the thread still ends its step: set `cancelled` as well.
        """
        engine = self._engine
        assert engine is not None, "start() comes first"
        loop = asyncio.get_running_loop()
        watch = LoopWatch(loop, cancelled, self.interrupted, on_step=on_step)

        def draw() -> DrawnPicture:
            drawn = measured(
                lambda: engine.draw(
                    request, index, watch, init_image=init_image, mask_image=mask_image
                ),
                self.energy,
            )
            check_drawn(drawn, request)
            return drawn

        self.is_drawing = True
        try:
            drawing = asyncio.ensure_future(self._thread.call(draw))
            return await self._heard(lambda: watch.signs, drawing, "draws")
        except BrokenWorkError as error:
            raise BrokenEngineError(str(error)) from error
        except Cancelled as error:
            if cancelled.is_set():
                raise
            if watch.has_stopped:
                raise YieldedError from error
            raise BrokenEngineError("it stopped, though nobody asked it to") from error
        finally:
            self.is_drawing = False

    async def free(self) -> None:
        """Close an engine that is broken or whose device was lost; `start` opens it again in a new
        thread. Errors while closing are ignored."""
        engine, self._engine = self._engine, None
        await self._close(engine)
        self._thread.renew()

    def leave(self) -> None:
        """Abandon the thread, which ends with the process; `close` then does nothing."""
        self._engine = None
        self._thread.leave()
        self._left = True

    async def close(self) -> None:
        """Free the engine and end the thread after the running call. Idempotent."""
        if self._left:
            return
        engine, self._engine = self._engine, None
        if await self._close(engine):
            await self._thread.close()
        else:
            self.leave()

    async def _close(self, engine: Engine | None) -> bool:
        """Whether the engine's thread is free again."""
        if engine is None:
            return True
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._thread.call(engine.close)
        except TimeoutError:
            _log.error("%s does not close; it is left", self.name)
            return False
        except Exception as error:  # noqa: BLE001 - it is closed anyway, whatever it raises
            _log.info("%s could not be closed cleanly: %s", self.name, error)
        return True

    async def _heard(
        self, signs_of_life: Callable[[], int], working: "asyncio.Future[T]", what: str
    ) -> T:
        """The result of `working`, as long as there is activity. `what`: for the log."""
        quiet, signs = 0, 0
        try:
            while True:
                await asyncio.wait({working}, timeout=QUIET_S)
                if working.done():
                    return working.result()
                now = signs_of_life()
                quiet = 0 if now != signs else quiet + 1
                signs = now
                if quiet:
                    _log.error(
                        "%s has not responded for %.0f minutes while it %s",
                        self.name, quiet * QUIET_S / 60, what,
                    )  # fmt: skip
                if quiet >= HUNG_AFTER:
                    raise HungEngineError(quiet * QUIET_S)
        finally:
            working.cancel()


def is_device_lost(error: Exception) -> TypeGuard[EngineError]:
    """Whether the device must be reopened through no fault of the picture."""
    return isinstance(error, EngineError) and error.key in {"device_lost", HOST_LOST}


def is_host_lost(error: Exception) -> bool:
    """Whether a whole machine is gone, or can't be reached: what it drew had no part in it."""
    return isinstance(error, EngineError) and error.key == HOST_LOST

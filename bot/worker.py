"""One thread owns an engine; the event loop hands it one picture after another."""

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from PIL.Image import Image

from pipeline.engine.protocol import DrawnPicture, Engine, ModelDescription
from pipeline.request import ResolvedRequest

_log = logging.getLogger(__name__)

ENGINE_NICENESS = 5
THREAD_NAME = "engine"

Preview = Callable[[], Image | None]


@dataclass(frozen=True, slots=True)
class Step:
    """Step `step` (from 1) of `steps` is done."""

    step: int
    steps: int
    preview: Preview


class LoopWatch:
    """Carries steps from the engine's thread to the loop, one crossing at a time.

    Steps that finish before the loop took the last one replace it, so that a fast engine can't
    flood the loop.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        cancelled: threading.Event,
        on_step: Callable[[Step], None],
    ) -> None:
        self._loop = loop
        self._cancelled = cancelled
        self._on_step = on_step
        self._lock = threading.Lock()
        self._latest: Step | None = None

    def is_cancelled(self) -> bool:
        return self._cancelled.is_set()

    def on_step(self, step: int, steps: int, preview: Preview) -> None:
        with self._lock:
            crossing = self._latest is not None
            self._latest = Step(step, steps, preview)
        if not crossing:
            self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        with self._lock:
            latest, self._latest = self._latest, None
        if latest is not None:
            self._on_step(latest)


def give_way_to_the_loop() -> None:
    """Lower this thread's priority, and with it that of the threads ONNX Runtime starts from it.

    They may fill every core for minutes; what answers people needs little, but at once. On Linux
    niceness belongs to a thread and is inherited; elsewhere to the process, so nothing is done.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), ENGINE_NICENESS)


class EngineWorker:
    """The engine and its thread. `load` is called in that thread. `name`: for the log."""

    def __init__(self, load: Callable[[], Engine], *, name: str = "The engine") -> None:
        self.name = name
        self._load = load
        self._executor = ThreadPoolExecutor(
            1, thread_name_prefix=THREAD_NAME, initializer=give_way_to_the_loop
        )
        self._engine: Engine | None = None
        self._left = False
        self.model: ModelDescription | None = None

    async def start(self) -> ModelDescription:
        """Load the engine; ModelError says what is missing."""
        loop = asyncio.get_running_loop()
        engine = await loop.run_in_executor(self._executor, self._load)
        self._engine, self.model = engine, engine.model
        return engine.model

    async def draw(
        self,
        request: ResolvedRequest,
        index: int,
        *,
        init_image: Image | None = None,
        cancelled: threading.Event,
        on_step: Callable[[Step], None],
    ) -> DrawnPicture:
        """Draw picture `index`, from `init_image` if the request begins from a picture.

        `on_step` is called on the loop. Raises as `Engine.draw` does.

        When this task is cancelled the thread still ends its step: set `cancelled` as well.
        """
        engine = self._engine
        assert engine is not None, "start() comes first"
        loop = asyncio.get_running_loop()
        watch = LoopWatch(loop, cancelled, on_step)
        draw = partial(engine.draw, request, index, watch, init_image=init_image)
        return await loop.run_in_executor(self._executor, draw)

    async def free(self) -> None:
        """Close an engine whose device was lost; `start` opens it again. What it says while it goes
        counts for nothing."""
        engine, self._engine = self._engine, None
        if engine is None:
            return
        try:
            await asyncio.get_running_loop().run_in_executor(self._executor, engine.close)
        except Exception as error:  # noqa: BLE001 - its device is gone: anything may fail
            _log.info("%s could not be closed cleanly: %s", self.name, error)

    def leave(self) -> None:
        """Don't wait for what runs in the thread, which ends with the process; `close` then does
        nothing."""
        self._engine = None
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._left = True

    async def close(self) -> None:
        """Free the engine and end the thread, after what runs in it. Idempotent."""
        if self._left:
            return
        loop = asyncio.get_running_loop()
        engine, self._engine = self._engine, None
        if engine is not None:
            await loop.run_in_executor(self._executor, engine.close)
        await asyncio.to_thread(self._executor.shutdown)

"""Carries what an engine reports from its thread to the event loop."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

Preview = Callable[[], Image.Image | None]


@dataclass(frozen=True, slots=True)
class Step:
    """Step `step` (from 1) of `steps` is done. `face` (from 1) of `faces`: whose steps they are; 0
    for those of the picture."""

    step: int
    steps: int
    preview: Preview
    face: int = 0
    faces: int = 0


class LoopWatch:
    """Carries steps from the engine's thread to the loop, one crossing at a time.

    Steps that finish before the loop took the last one replace it, so that a fast engine can't
    flood the loop. `signs` counts the engine's activity. `has_stopped`: the engine was told to
    stop, which stays so though what stopped it may be over.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *stops: threading.Event,
        on_step: Callable[[Step], None],
    ) -> None:
        self._loop = loop
        self._stops = stops
        self._on_step = on_step
        self._lock = threading.Lock()
        self._latest: Step | None = None
        self._face = (0, 0)
        self.signs = 0
        self.has_stopped = False

    def is_cancelled(self) -> bool:
        self.signs += 1
        self.has_stopped = self.has_stopped or any(stop.is_set() for stop in self._stops)
        return self.has_stopped

    def on_step(self, step: int, steps: int, preview: Preview) -> None:
        self.signs += 1
        with self._lock:
            crossing = self._latest is not None
            self._latest = Step(step, steps, preview, *self._face)
        if not crossing:
            self._loop.call_soon_threadsafe(self._deliver)

    def on_face(self, face: int, faces: int) -> None:
        self.signs += 1
        self._face = (face, faces)

    def _deliver(self) -> None:
        with self._lock:
            latest, self._latest = self._latest, None
        if latest is not None:
            self._on_step(latest)

"""Devices that are lost at will."""

import threading

from pipeline.errors import EngineError, ModelError
from pipeline.request import ResolvedRequest
from tests.support.fake_engine import FakeEngine
from tests.support.patience import PATIENCE_S

GONE = "CUDA failure 700: an illegal memory access was encountered ; GPU=0"


class Losing:
    """Loads engines; those of the first `losses` lose their device at the second step. A reopening
    is refused `refusals` times, and waits for `may_reopen`."""

    def __init__(self, losses: int, *, refusals: int = 0) -> None:
        self.losses, self.refusals = losses, refusals
        self.made: list[FakeEngine] = []
        self.may_reopen = threading.Event()
        self.may_reopen.set()

    def load(self) -> FakeEngine:
        """In the engine's thread."""
        if self.made:
            self.may_reopen.wait(PATIENCE_S)
            if self.refusals:
                self.refusals -= 1
                raise ModelError("model_unreadable", name="unet", problem="CUDA failure 999")
        engine = FakeEngine(fail_at=self._lose if len(self.made) < self.losses else None)
        self.made.append(engine)
        return engine

    @property
    def is_lost(self) -> bool:
        """Whether the device that was opened last is gone, and its engine closed."""
        return bool(self.made) and self.made[-1].closed

    @staticmethod
    def _lose(_: ResolvedRequest, step: int) -> Exception | None:
        return EngineError("device_lost", problem=GONE) if step == 2 else None

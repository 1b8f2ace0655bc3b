"""Watches what other programs use of the devices, and has those make room."""

import asyncio
import logging
from collections.abc import Callable, Mapping

from bot.common.clock import Clock
from bot.config.settings import Settings
from bot.jobs.draw.worker import EngineWorker
from bot.sharing.cards import CardMeter
from bot.sharing.processor import ProcessorMeter
from bot.sharing.yielding import Meter, Use, Yielding, YieldLimits

_log = logging.getLogger(__name__)

CUDA = "CUDAExecutionProvider"


class Watcher:
    """Of the engines on this machine. `card_of`: what reads a card by its number; None: it can't
    be read. `provider`: the operator's wish, until the model is loaded."""

    def __init__(
        self,
        limits: YieldLimits,
        *,
        clock: Clock,
        devices: tuple[int, ...],
        provider: str = "auto",
        card_of: Callable[[int], Meter | None] = CardMeter.of,
        processor: Meter | None = None,
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._devices = devices
        self._provider = provider
        self._card_of = card_of
        self._processor = processor or ProcessorMeter()
        self._cards: dict[int, Meter | None] = {}
        self._states: dict[int, Yielding] = {}

    @classmethod
    def of(cls, settings: Settings, *, clock: Clock) -> "Watcher | None":
        """As the operator set it; None: devices yield to nobody."""
        limits = YieldLimits.of(settings)
        if not limits.any:
            return None
        return cls(limits, clock=clock, devices=settings.device_id, provider=settings.provider)

    async def look(self, workers: Mapping[int, EngineWorker]) -> None:
        """Read once, and set whether each of `workers`, by its number, yields."""
        uses = await asyncio.to_thread(self._read, workers)
        now = self._clock.monotonic()
        for number, worker in workers.items():
            state = self._states.setdefault(number, Yielding(self._limits))
            was_busy = state.busy
            state.see(uses[number], now)
            worker.schedule.busy, worker.schedule.gives_back = state.busy, state.gives_back
            if state.busy != was_busy:
                verb = "makes room for" if state.busy else "has no need to make room for"
                _log.info("%s %s other programs: %s", worker.name, verb, _words(uses[number]))

    def _read(self, workers: Mapping[int, EngineWorker]) -> dict[int, Use]:
        """Called in a thread. The processors are read once for all engines."""
        found: dict[int, Use] = {}
        shared: Use | None = None
        for number, worker in workers.items():
            card = self._card(number, worker)
            if card is not None:
                found[number] = card.read(drawing=worker.device_draws)
            else:
                shared = shared or self._processor.read(drawing=worker.device_draws)
                found[number] = shared
        return found

    def _card(self, number: int, worker: EngineWorker) -> Meter | None:
        """What reads the card of an engine; None if it draws on the processor."""
        provider = self._provider if worker.model is None else worker.model.provider
        if provider not in {CUDA, "cuda", "auto"} or number >= len(self._devices):
            return None
        device_id = self._devices[number]
        if device_id not in self._cards:
            self._cards[device_id] = self._card_of(device_id)
        return self._cards[device_id]


def _words(use: Use) -> str:
    load = "?" if use.load is None else f"{use.load:.0%}"
    free = "?" if use.free_bytes is None else f"{use.free_bytes / 2**20:.0f} MiB"
    return f"they use {load} of it, {free} of its memory are free"

"""The most memory that this process takes: on its card, or of the machine."""

from typing import Any, Final

import psutil

from benchmarks.memory import memory_of
from benchmarks.sampling import Sampling
from bot.sharing.cards import bus_id, nvml

_EVERY_S: Final = 0.05


class PeakOfCard(Sampling):
    """Of card 0, all that is used on it, sampled; `bytes` is 0 if that can't be read. With another
    provider the private memory of this process."""

    def __init__(self, provider: str) -> None:
        super().__init__(_EVERY_S)
        self.bytes = 0
        self._handle: Any = None
        self._library = nvml() if provider == "cuda" else None
        self._on_card = provider == "cuda"
        bus = None if self._library is None else bus_id(0)
        if self._library is not None and bus is not None:
            self._handle = self._library.nvmlDeviceGetHandleByPciBusId(bus)

    def look(self) -> None:
        self.bytes = max(self.bytes, self._read())

    def _read(self) -> int:
        if not self._on_card:
            return memory_of(psutil.Process()).private
        if self._handle is None or self._library is None:
            return 0
        return int(self._library.nvmlDeviceGetMemoryInfo(self._handle).used)

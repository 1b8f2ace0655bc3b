"""Measures electricity: of a card by its driver, of a processor by its own counters (RAPL)."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from bot.jobs.draw.energy import EnergyMeter
from bot.sharing.cards import bus_id, nvml

_log = logging.getLogger(__name__)

POWERCAP: Final = Path("/sys/class/powercap")
"""Intel's and AMD's processors have the same files there, on Linux. Since 2020 only root may read
them (CVE-2020-8694), unless the operator allows it."""
SAMPLE_EVERY_S: Final = 0.25


class CardEnergy:
    """Of the whole card: by its counter, or by its power, several times a second."""

    def __init__(self, library: Any, bus: str) -> None:
        self._nvml = library
        self._handle = library.nvmlDeviceGetHandleByPciBusId(bus)

    def start(self) -> Callable[[], float | None]:
        """See `EnergyMeter`."""
        began = self._asked("nvmlDeviceGetTotalEnergyConsumption")
        if began is None:
            return self._integral()

        def taken() -> float | None:
            now = self._asked("nvmlDeviceGetTotalEnergyConsumption")
            return None if now is None or now < began else (now - began) / 1000  # a reset driver

        return taken

    def _integral(self) -> Callable[[], float | None]:
        if self._asked("nvmlDeviceGetPowerUsage") is None:
            return _unknown
        stop, joules, began = threading.Event(), [0.0], time.monotonic()

        def sample() -> None:
            last = began
            while True:
                ended = stop.wait(SAMPLE_EVERY_S)
                now = time.monotonic()
                joules[0] += (self._asked("nvmlDeviceGetPowerUsage") or 0.0) / 1000 * (now - last)
                last = now
                if ended:
                    return

        thread = threading.Thread(target=sample, name="power", daemon=True)
        thread.start()

        def taken() -> float:
            stop.set()
            thread.join()
            return joules[0]

        return taken

    def _asked(self, name: str) -> float | None:
        try:
            return float(getattr(self._nvml, name)(self._handle))
        except self._nvml.NVMLError:
            return None


class ProcessorEnergy:
    """Of all processors of the machine, whatever runs on them. `counters`: folders of RAPL, one
    for each processor."""

    def __init__(self, counters: Sequence[Path]) -> None:
        self._counters = counters

    @classmethod
    def of(cls, folder: Path = POWERCAP) -> "ProcessorEnergy | None":
        """Of this machine; None if it does not tell."""
        found = [path.parent for path in sorted(folder.glob("intel-rapl:*/name"))]
        packages = [path for path in found if _text(path / "name").startswith("package")]
        if not packages or any(_number(path / "energy_uj") is None for path in packages):
            return None
        return cls(packages)

    def start(self) -> Callable[[], float | None]:
        """See `EnergyMeter`. A counter that began again at 0 is counted on, once."""
        began = [_number(path / "energy_uj") for path in self._counters]

        def taken() -> float | None:
            total = 0.0
            for path, before in zip(self._counters, began, strict=True):
                now, most = _number(path / "energy_uj"), _number(path / "max_energy_range_uj")
                if before is None or now is None or (now < before and most is None):
                    return None
                total += now - before if now >= before else now + (most or 0) - before
            return total / 1e6

        return taken


def energy_of_card(device_id: int) -> EnergyMeter | None:
    """Of a card by CUDA's numbering; None if its driver can't be asked."""
    library = nvml()
    bus = None if library is None else bus_id(device_id)
    if library is None or bus is None:
        return None
    try:
        return CardEnergy(library, bus)
    except library.NVMLError as error:
        _log.info("The electricity of card %d can't be told: %s", device_id, error)
        return None


def _unknown() -> None:
    return None


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text.isdecimal() else None

"""What other programs use of an NVIDIA card, as its driver's management library (NVML) tells.

Works without a card, a driver and `nvidia-ml-py`: then nothing is known. Not yet tried with a card.
"""

import ctypes
import importlib
import logging
import os
import sys
from functools import cache
from typing import Any, Final

from bot.sharing.yielding import Use

_log = logging.getLogger(__name__)

_DRIVER: Final = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
_BUS_ID_BYTES: Final = 32


@cache
def nvml() -> Any | None:
    """The library, ready to use; None if there is none. It is never shut down: the process ends."""
    try:
        library = importlib.import_module("pynvml")
    except ImportError:
        _log.info("What others use of a card can't be told: pip install nvidia-ml-py")
        return None
    try:
        library.nvmlInit()
    except library.NVMLError as error:
        _log.info("What others use of a card can't be told: %s", error)
        return None
    return library


def bus_id(device_id: int, *, driver: Any = None) -> str | None:
    """Where card `device_id`, by CUDA's numbering, is plugged in: NVML numbers them differently.
    None if there is none. `driver`: the loaded library; None: this machine's."""
    try:
        library = driver or ctypes.CDLL(_DRIVER)
        device, name = ctypes.c_int(), ctypes.create_string_buffer(_BUS_ID_BYTES)
        failed = (
            library.cuInit(ctypes.c_uint(0))
            or library.cuDeviceGet(ctypes.byref(device), ctypes.c_int(device_id))
            or library.cuDeviceGetPCIBusId(name, ctypes.c_int(_BUS_ID_BYTES), device)
        )
    except (OSError, AttributeError):
        return None
    return None if failed else name.value.decode(errors="replace")


class CardMeter:
    """Reads the card at `bus` with `library` (`pynvml`, or what behaves like it)."""

    def __init__(self, library: Any, bus: str) -> None:
        self._nvml = library
        self._handle = library.nvmlDeviceGetHandleByPciBusId(bus)
        self._pid = os.getpid()
        self._seen_until = 0  # microseconds, the driver's clock

    @classmethod
    def of(cls, device_id: int) -> "CardMeter | None":
        """Of a card by CUDA's numbering; None if it can't be read."""
        library = nvml()
        bus = None if library is None else bus_id(device_id)
        if library is None or bus is None:
            return None
        try:
            return cls(library, bus)
        except library.NVMLError as error:
            _log.warning("What others use of card %d can't be told: %s", device_id, error)
            return None

    def read(self, *, drawing: bool) -> Use:
        """See `Meter`."""
        own, is_known = self._own_bytes()
        load = self._load_by_process() if is_known else None
        if load is None and not drawing:  # then all that is used, others use
            load = self._total_load()
        memory = self._asked("nvmlDeviceGetMemoryInfo")
        free = None if memory is None else int(memory.free)
        return Use(load=load, free_bytes=free, own_bytes=own)

    def _own_bytes(self) -> tuple[int | None, bool]:
        """Memory of this process on the card, and whether the driver knows this process by the id
        that it has here: not in most containers."""
        for name in (
            "nvmlDeviceGetComputeRunningProcesses",
            "nvmlDeviceGetGraphicsRunningProcesses",
        ):
            for process in self._asked(name) or ():
                if process.pid == self._pid:
                    return process.usedGpuMemory, True
        return None, False

    def _load_by_process(self) -> float | None:
        """The share of others since the last reading; None if it is not told by process."""
        try:
            samples = self._nvml.nvmlDeviceGetProcessUtilization(self._handle, self._seen_until)
        except self._nvml.NVMLError as error:
            nobody = getattr(self._nvml, "NVMLError_NotFound", ())
            return 0.0 if nobody and isinstance(error, nobody) else None
        used: dict[int, list[int]] = {}
        for sample in samples:
            self._seen_until = max(self._seen_until, int(sample.timeStamp))
            if sample.pid not in {0, self._pid}:
                used.setdefault(sample.pid, []).append(sample.smUtil)
        return min(1.0, sum(sum(each) / len(each) for each in used.values()) / 100)

    def _total_load(self) -> float | None:
        rates = self._asked("nvmlDeviceGetUtilizationRates")
        return None if rates is None else rates.gpu / 100

    def _asked(self, name: str) -> Any | None:
        """What a function of the library says; None where this card or driver can't tell."""
        try:
            return getattr(self._nvml, name)(self._handle)
        except self._nvml.NVMLError:
            return None

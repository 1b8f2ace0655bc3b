"""What other programs use of the processors and of the main memory."""

import contextlib

import psutil

from bot.sharing.yielding import Use
from pipeline.plan.memory import available_bytes


class ProcessorMeter:
    """Measures from one reading to the next, so the first one knows no load."""

    def __init__(self) -> None:
        self._own = psutil.Process()
        self._last: tuple[float, float, float] | None = None

    def read(self, *, drawing: bool) -> Use:  # noqa: ARG002 - the system tells whose use it is
        """See `Meter`."""
        busy_s, total_s = _system()
        own_s, own_bytes = self._mine()
        load = None
        if self._last is not None and total_s > self._last[1]:
            by_all = busy_s - self._last[0]
            by_me = max(0.0, own_s - self._last[2])  # less if one of my processes has ended
            load = min(1.0, max(0.0, by_all - by_me) / (total_s - self._last[1]))
        self._last = busy_s, total_s, own_s
        return Use(load=load, free_bytes=available_bytes(), own_bytes=own_bytes)

    def _mine(self) -> tuple[float, int]:
        """Processor seconds and resident bytes of this process and those it started."""
        seconds, resident = 0.0, 0
        for process in (self._own, *self._own.children(recursive=True)):
            with contextlib.suppress(psutil.Error):  # it has just ended
                times = process.cpu_times()
                seconds += times.user + times.system
                resident += process.memory_info().rss
        return seconds, resident


def _system() -> tuple[float, float]:
    """Processor seconds since the start that were used, and that there were."""
    times = psutil.cpu_times()
    # What a guest uses is part of `user`, and what a hypervisor gave to others is nobody's here.
    waiting = times.idle + getattr(times, "iowait", 0.0)
    stolen = getattr(times, "steal", 0.0)
    used = times.user + times.system + getattr(times, "nice", 0.0)
    used += getattr(times, "irq", 0.0) + getattr(times, "softirq", 0.0)
    return used, used + waiting + stolen

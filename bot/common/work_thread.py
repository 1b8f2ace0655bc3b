"""One thread for work that must stay out of the event loop. Nothing that the work raises ends the
thread, or reaches the event loop as an exception that would end a task there."""

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Callable
from concurrent import futures
from typing import Any, Final, TypeVar

_log = logging.getLogger(__name__)

NICENESS: Final = 5
_LOOK_EVERY_S: Final = 0.02

T = TypeVar("T")


class BrokenWorkError(Exception):
    """The state of what the work uses is unknown: memory ran out, the thread is gone, or something
    other than an ordinary exception was raised."""


class WorkThread:
    """Runs calls one after another. `renew` replaces the thread; `name` is its prefix."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._executor = self._make()
        self._calls: set[futures.Future[Any]] = set()

    async def call(self, work: Callable[[], T]) -> T:
        """Run `work`; raises the ordinary exceptions that it raises, or BrokenWorkError."""
        task, calls = asyncio.current_task(), self._calls
        try:
            call = self._executor.submit(_contained, work)
            calls.add(call)
            call.add_done_callback(calls.discard)
            return await asyncio.wrap_future(call)
        except futures.BrokenExecutor as error:
            raise BrokenWorkError(f"the thread is gone: {error}") from error
        except asyncio.CancelledError:
            if task is None or task.cancelling():
                raise
            raise BrokenWorkError("the thread was replaced before it came to this") from None

    def renew(self) -> None:
        """Use a new thread from now on, without waiting for what runs in this one."""
        self.leave()
        self._executor, self._calls = self._make(), set()

    def leave(self) -> None:
        """Don't wait for what runs; accept no more calls."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def close(self, *, within_s: float | None = None) -> bool:
        """End the thread after the running call; waiting calls are dropped. Idempotent. Returns
        False if that takes longer than `within_s`, and leaves the thread."""
        self.leave()
        if within_s is not None and not await self._is_free(within_s):
            return False
        await asyncio.to_thread(self._executor.shutdown)
        return True

    async def _is_free(self, within_s: float) -> bool:
        """Whether nothing runs any more. Polls, because joining a thread waits until it ends."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + within_s
        while not all(call.done() for call in tuple(self._calls)):
            if loop.time() >= ends_at:
                return False
            await asyncio.sleep(_LOOK_EVERY_S)
        return True

    def _make(self) -> futures.ThreadPoolExecutor:
        return futures.ThreadPoolExecutor(
            1, thread_name_prefix=self._name, initializer=give_way_to_the_loop
        )


async def in_a_thread(work: Callable[[], T]) -> T:
    """Run `work` in any thread; raises as `WorkThread.call` does."""
    return await asyncio.to_thread(_contained, work)


def give_way_to_the_loop() -> None:
    """Lower this thread's priority, and with it that of the threads ONNX Runtime starts from it.

    They may use every core for minutes, while answering people takes little time but must not wait.
    On Linux niceness belongs to a thread and is inherited; elsewhere it belongs to the process, so
    nothing is done.
    """
    if sys.platform == "linux":
        try:
            thread = threading.get_native_id()
            # A bot that was started with `nice`, or `Nice=` of systemd, may have more already.
            if os.getpriority(os.PRIO_PROCESS, thread) < NICENESS:
                os.setpriority(os.PRIO_PROCESS, thread, NICENESS)
        except OSError as error:  # an initializer that raises would leave no thread at all
            _log.warning("A thread's priority can't be lowered: %s", error)


def _contained(work: Callable[[], T]) -> T:
    try:
        return work()
    except (
        # asyncio would end, or block forever, the task that waits for the latter two.
        MemoryError, futures.CancelledError, StopIteration,
    ) as error:  # fmt: skip
        raise BrokenWorkError(_named(error)) from error
    except Exception:
        raise
    except BaseException as error:
        raise BrokenWorkError(_named(error)) from error


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__

"""The tests' side of the fork server: starts bots, kills them, and learns how they ended."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.failpoints import ROOT
from tests.chaos.spec import NO_DISK, BotSpec


class NoDiskError(Exception):
    """This machine does not let us mount a small disk."""


@dataclass
class BotProcess:
    """A bot. `ended` gets its exit status; negative: the signal that ended it."""

    pid: int
    ended: "asyncio.Future[int]"

    @property
    def alive(self) -> bool:
        return not self.ended.done()

    def send(self, number: signal.Signals) -> None:
        """A signal, unless it ended already."""
        if self.alive:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def kill(self) -> int:
        """`kill -9`, and wait for its end."""
        self.send(signal.SIGKILL)
        return await self.ended

    async def end(self, within_s: float) -> int:
        """Wait for its end. TimeoutError after `within_s`."""
        return await asyncio.wait_for(asyncio.shield(self.ended), within_s)


@dataclass
class ForkServer:
    """Starts bots. `pid` is the fork server's, through which its disk is accessible."""

    process: asyncio.subprocess.Process
    pid: int = 0
    _born: "asyncio.Queue[int]" = field(default_factory=asyncio.Queue[int])
    _bots: dict[int, BotProcess] = field(default_factory=dict[int, BotProcess])

    async def start(self, spec: BotSpec) -> BotProcess:
        """A new bot."""
        assert self.process.stdin is not None
        self.process.stdin.write(spec.to_json().encode() + b"\n")
        return self._bots[await self._born.get()]

    async def listen(self) -> None:
        """Read the fork server's messages until it ends."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            told = json.loads(line)
            pid = told["pid"]
            if "status" not in told:
                ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
                self._bots[pid] = BotProcess(pid, ended)
                self._born.put_nowait(pid)
            else:
                self._bots.pop(pid).ended.set_result(told["status"])


@asynccontextmanager
async def open_fork_server(disk: Path | None = None) -> AsyncGenerator[ForkServer]:
    """A fork server; with its own small disk at `disk`. NoDiskError if that is not allowed."""
    arguments = ["-m", "tests.chaos.fork_server", *([] if disk is None else [str(disk)])]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    fork_server = ForkServer(process)
    listening: asyncio.Task[None] | None = None
    try:
        first = await process.stdout.readline()
        if not first:
            if await process.wait() == NO_DISK:
                raise NoDiskError
            raise RuntimeError("the fork server did not start; see its error above")
        fork_server.pid = json.loads(first)["ready"]
        listening = asyncio.create_task(fork_server.listen())
        yield fork_server
    finally:
        process.stdin.close()
        await process.wait()
        if listening is not None:
            await listening

"""Other machines that draw, and what happens to them."""

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeAlias

import psutil

from bot.hosts.node import ray_module
from tests.support.host_process import HostProcess, free_port

_FREEZE_S: Final = (3.0, 14.0)
"""Shorter and longer than what is noticed."""
_LOOK_S: Final = 0.05
_UNTIL_DRAWN_S: Final = 90.0


class Machines:
    """`count` hosts, which draw for the bot of `folder`, whose head listens at `address`."""

    def __init__(self, folder: Path, count: int) -> None:
        # Ray names nodes by the address that others would reach, also on one machine.
        ip = ray_module("ray.util").get_node_ip_address()
        self.address = f"{ip}:{free_port()}"
        self._folder = folder / "hosts"
        self._folder.mkdir()
        self._head = folder / "state" / "hosts" / "head.pid"
        self._names = [f"host-{number}" for number in range(1, count + 1)]
        self._hosts: dict[str, HostProcess] = {}

    def complete(self) -> None:
        """Start those that don't run."""
        for name in self._names:
            host = self._hosts.get(name)
            if host is None or host.process.poll() is not None:
                if host is not None:
                    host.signal(signal.SIGKILL)
                self._hosts[name] = HostProcess(self._folder, self.address, name)

    async def one_that_draws(self) -> HostProcess | None:
        """A host whose picture has begun and not ended; None where nothing is drawn."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + _UNTIL_DRAWN_S
        while loop.time() < ends_at:
            for host in self._hosts.values():
                last = (host.said.splitlines() or [""])[-1]
                if last.startswith("Drawing") and host.process.poll() is None:
                    return host
            await asyncio.sleep(_LOOK_S)
        return None

    def any_one(self, dice: random.Random) -> HostProcess:
        """A host."""
        return dice.choice(list(self._hosts.values()))

    def kill_head(self) -> None:
        """The bot's own part of the cluster."""
        with suppress(OSError, ValueError, psutil.Error):
            top = psutil.Process(int(self._head.read_text()))
            for each in [top, *top.children(recursive=True)]:
                with suppress(psutil.Error):
                    each.kill()

    def end(self) -> None:
        """Everything, at once."""
        self.kill_head()
        for host in self._hosts.values():
            host.signal(signal.SIGKILL)
            host.process.wait()


Loss: TypeAlias = Callable[[Machines, HostProcess, random.Random], Awaitable[None]]
"""Done to a host that draws."""


async def actor_killed(_machines: Machines, host: HostProcess, _dice: random.Random) -> None:
    """The process that draws, as a system does that lacks memory."""
    for each in host.actors():
        with suppress(psutil.Error):
            each.kill()


async def power_lost(_machines: Machines, host: HostProcess, _dice: random.Random) -> None:
    """Everything on it ends at once."""
    host.signal(signal.SIGKILL)


async def frozen(_machines: Machines, host: HostProcess, dice: random.Random) -> None:
    """Nothing comes from it for a while; then it goes on as if nothing had been."""
    everything = host.everything()
    host.signal(signal.SIGSTOP)
    await asyncio.sleep(dice.uniform(*_FREEZE_S))
    for each in everything:
        with suppress(psutil.Error):
            each.send_signal(signal.SIGCONT)


async def told_to_leave(_machines: Machines, host: HostProcess, _dice: random.Random) -> None:
    """As systemd ends it."""
    host.process.send_signal(signal.SIGTERM)


async def head_killed(machines: Machines, _host: HostProcess, _dice: random.Random) -> None:
    """The bot goes on without its cluster, and starts another one."""
    machines.kill_head()


LOSSES: Final[dict[str, Loss]] = {
    loss.__name__: loss for loss in (actor_killed, power_lost, frozen, told_to_leave, head_killed)
}

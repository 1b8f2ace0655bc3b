"""A real Ray cluster on this machine: a head, and hosts as processes of their own."""

import asyncio
import signal
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from bot.common.secret import Secret
from bot.hosts.cluster import Cluster, ClusterOptions
from bot.hosts.device_actor import DeviceActor
from bot.hosts.entries import HostView
from bot.hosts.losses import REMEMBERED_S
from bot.hosts.service import Hosts
from tests.bot.conftest import Harness, open_harness
from tests.bot.hosts.flat_actor import FlatActor
from tests.support.host_process import TOKEN, HostProcess, free_port
from tests.support.patience import PATIENCE_S


class Stage:
    """The bot's side of a cluster, with its hosts."""

    def __init__(self, harness: Harness, hosts: Hosts, cluster: Cluster, folder: Path) -> None:
        self.harness = harness
        self.hosts = hosts
        self.cluster = cluster
        self.processes: list[HostProcess] = []
        self._folder = folder

    async def empty(self) -> None:
        """Without hosts, and with all losses forgotten, as it was at the start."""
        self.end_hosts()
        await self.until(lambda views: not views)
        self.harness.clock.advance(REMEMBERED_S)

    def end_hosts(self) -> None:
        """All their machines lose power."""
        for each in self.processes:
            each.signal(signal.SIGKILL)
            each.process.wait()
        self.processes.clear()

    def kill_head(self) -> None:
        """As the kernel does."""
        head = self.cluster.head
        assert head is not None
        top = psutil.Process(head.process.pid)
        for each in [top, *top.children(recursive=True)]:
            each.kill()

    def start_host(self, name: str, **environment: str) -> HostProcess:
        """Somebody starts a host."""
        process = HostProcess(self._folder, self.cluster.address(), name, **environment)
        self.processes.append(process)
        return process

    def views(self) -> list[HostView]:
        """What the operator sees of hosts that are there."""
        return [view for view in self.hosts.view() if view.state != "away"]

    async def until(self, is_so: Callable[[list[HostView]], bool]) -> None:
        """Wait until `views` are so."""
        ends_at = time.monotonic() + PATIENCE_S
        while not is_so(self.views()):
            if time.monotonic() > ends_at:
                said = "\n".join(each.said for each in self.processes)
                raise AssertionError(f"{self.hosts.view()} {self.hosts.problem}\n{said}")
            await asyncio.sleep(0.05)

    async def until_ready(self, *names: str) -> None:
        """Until these hosts, and no others, can draw."""
        wanted = {f"{name}/0" for name in names}
        await self.until(
            lambda views: {view.name for view in views if view.state == "ready"} == wanted
        )


@asynccontextmanager
async def open_stage(folder: Path, *, kind: type[DeviceActor] = FlatActor) -> AsyncGenerator[Stage]:
    """The bot's services with HOSTS=ray."""
    options = ClusterOptions(address=f"127.0.0.1:{free_port()}", token=Secret(TOKEN), folder=folder)
    async with open_harness(folder, loads=[], open_ended=True) as harness:
        cluster = Cluster(options)
        hosts = Hosts(
            runner=harness.jobs.runner,
            cluster=cluster,
            database=harness.database,
            clock=harness.clock,
            kind=kind,
        )
        stage = Stage(harness, hosts, cluster, folder)
        await hosts.start()
        try:
            await stage.until(lambda _: cluster.connected)
            yield stage
        finally:
            stage.end_hosts()
            await harness.jobs.stop()
            await hosts.stop()

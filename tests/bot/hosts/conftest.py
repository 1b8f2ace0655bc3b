"""A real Ray cluster on this machine: a head, and hosts as processes of their own."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from bot.common.secret import Secret
from bot.hosts.cluster import Cluster, ClusterOptions
from bot.hosts.device_actor import DeviceActor
from bot.hosts.service import Hosts, HostView
from tests.bot.conftest import Harness, open_harness
from tests.bot.hosts.flat_actor import STEP_S, FlatActor
from tests.support.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]
TOKEN = "a-token-for-tests-0123456789abcdef"


class HostProcess:
    """`python -m bot host`, as somebody starts it on another machine."""

    def __init__(self, folder: Path, address: str, name: str, **environment: str) -> None:
        self.name = name
        self._folder = folder
        self._output = folder / f"{name}.out"
        settings = {
            "HOSTS_TOKEN": TOKEN, "MODEL": "demo", "THREADS": "1", STEP_S: "0.05",
            "DATA_DIR": str(folder / name), "PYTHONPATH": str(ROOT), **environment,
        }  # fmt: skip
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bot", "host", "--join", address, "--name", name],
                cwd=folder,
                env={**os.environ, **settings},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self._output.read_text()

    def everything(self) -> list[psutil.Process]:
        """It and all that it started, in whatever session."""
        try:
            top = psutil.Process(self.process.pid)
            return [top, *top.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def actors(self) -> list[psutil.Process]:
        """The processes that draw."""
        return [each for each in self.everything() if "Actor" in " ".join(_line(each))]

    def signal(self, number: int) -> None:
        """To the whole machine, as it were."""
        for each in self.everything():
            with suppress(psutil.NoSuchProcess):
                each.send_signal(number)

    def leave(self) -> int:
        """As systemd ends it."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)


def _line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


class Stage:
    """The bot's side of a cluster, with its hosts."""

    def __init__(self, harness: Harness, hosts: Hosts, cluster: Cluster, folder: Path) -> None:
        self.harness = harness
        self.hosts = hosts
        self.cluster = cluster
        self.processes: list[HostProcess] = []
        self._folder = folder

    async def empty(self) -> None:
        """Without hosts, as it was at the start."""
        self.end_hosts()
        await self.until(lambda views: not views)

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

    async def until(self, is_so: Callable[[list[HostView]], bool]) -> None:
        """Wait until what the operator sees is so."""
        ends_at = time.monotonic() + PATIENCE_S
        while not is_so(self.hosts.view()):
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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster_stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Stage]:
    """One cluster for a module: starting its head takes seconds."""
    if find_spec("ray") is None:  # not imported: it would read its settings before they are made
        pytest.skip("Ray is not installed (make test-hosts)")
    async with open_stage(tmp_path_factory.mktemp("cluster")) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def stage(cluster_stage: Stage) -> AsyncGenerator[Stage]:
    """The module's cluster; its hosts end with the test."""
    yield cluster_stage
    await cluster_stage.empty()


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

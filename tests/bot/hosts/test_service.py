"""Which machines the operator sees. A cluster without Ray: nothing is drawn here."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.hosts.entries import HostView
from bot.hosts.remote_engine import Device
from bot.hosts.service import Hosts
from pipeline.errors import ModelError
from tests.bot.conftest import open_harness
from tests.support.patience import PATIENCE_S


class FakeCluster:
    """Whose devices the test chooses."""

    def __init__(self, problem: str = "") -> None:
        self.there: list[Device] = []
        self.connected = self.head_runs = True
        self.stopping = threading.Event()
        self._problem = problem

    def check(self) -> None:
        if self._problem:
            raise ModelError(self._problem, address="ekaki.invalid:6379")

    def devices(self) -> list[Device]:
        return list(self.there)

    def connect(self) -> None:
        pass

    def disconnect(self) -> None:
        pass

    def stop(self) -> None:
        pass


@asynccontextmanager
async def open_hosts(folder: Path, cluster: FakeCluster) -> AsyncGenerator[Hosts]:
    async with open_harness(folder, loads=[], open_ended=True) as harness:
        given: Any = cluster
        hosts = Hosts(
            runner=harness.jobs.runner,
            cluster=given,
            database=harness.database,
            clock=harness.clock,
        )
        await hosts.check()
        await hosts.start()
        try:
            yield hosts
        finally:
            await harness.jobs.stop()
            await hosts.stop()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.hosts.service.LOOK_EVERY_S", 0.02)


async def until(hosts: Hosts, is_so: Callable[[list[HostView]], bool]) -> None:
    ends_at = time.monotonic() + PATIENCE_S
    while not is_so(hosts.view()):
        assert time.monotonic() < ends_at, hosts.view()
        await asyncio.sleep(0.01)


def states(views: list[HostView]) -> dict[str, str]:
    return {view.name: view.state for view in views}


async def test_a_host_that_has_left_is_shown_and_can_be_drained(tmp_path: Path) -> None:
    cluster = FakeCluster()
    cluster.there = [Device("one", 0, "a"), Device("one", 1, "a"), Device("two", 0, "b")]
    async with open_hosts(tmp_path, cluster) as hosts:
        await until(hosts, lambda views: len(views) == 3)
        cluster.there = [Device("two", 0, "b")]
        await until(hosts, lambda views: [view.state for view in views].count("away") == 2)
        assert states(hosts.view()).keys() == {"one/0", "one/1", "two/0"}
        assert await hosts.drain("one", resting=True)
        assert not await hosts.drain("three", resting=True)
    async with open_hosts(tmp_path, FakeCluster()) as hosts:  # the bot starts again without it
        assert states(hosts.view()) == {"one": "away"}
        assert await hosts.drain("one", resting=False)


async def test_a_host_that_comes_back_is_shown_once(tmp_path: Path) -> None:
    cluster = FakeCluster()
    cluster.there = [Device("one", 0, "a")]
    async with open_hosts(tmp_path, cluster) as hosts:
        await until(hosts, lambda views: len(views) == 1)
        cluster.there = []
        await until(hosts, lambda views: states(views) == {"one/0": "away"})
        cluster.there = [Device("one", 0, "another")]
        await until(hosts, lambda views: len(views) == 1 and states(views) != {"one/0": "away"})


async def test_hosts_that_left_are_remembered_up_to_a_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.hosts.service._REMEMBERED", 2)
    cluster = FakeCluster()
    async with open_hosts(tmp_path, cluster) as hosts:
        for name in ("one", "two", "three"):
            cluster.there = [Device(name, 0, name)]
            await until(hosts, lambda views, name=name: f"{name}/0" in states(views))
        cluster.there = []
        await until(hosts, lambda views: states(views) == {"two/0": "away", "three/0": "away"})


@pytest.mark.parametrize("problem", ["hosts_ray_missing", "hosts_address_public"])
async def test_wrong_settings_end_the_start(tmp_path: Path, problem: str) -> None:
    with pytest.raises(ModelError) as refused:
        async with open_hosts(tmp_path, FakeCluster(problem)):
            raise AssertionError("it started")
    assert refused.value.key == problem


async def test_a_name_that_can_not_be_resolved_yet_is_waited_for(tmp_path: Path) -> None:
    async with open_hosts(tmp_path, FakeCluster("hosts_address_unknown")) as hosts:
        assert hosts.view() == []

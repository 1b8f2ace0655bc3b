"""What others use: of the processors by the real psutil, of a card by a made-up NVML."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from bot.jobs.draw.schedule import Pausing, Schedule
from bot.jobs.draw.worker import EngineWorker
from bot.sharing import cards
from bot.sharing.cards import CardMeter, bus_id
from bot.sharing.processor import ProcessorMeter
from bot.sharing.watcher import Watcher
from bot.sharing.yielding import SUSTAINED_S, Use, YieldLimits
from tests.support.clock import ManualClock
from tests.support.fake_engine import FakeEngine

GIB = 2**30


@pytest.fixture
def stranger() -> Iterator[int]:
    """A process that uses one processor and belongs to nobody here."""
    burn = "import os, time\nwhile os.getppid() and time.time() < {end}: pass"
    code = burn.format(end=time.time() + 60)
    shell = subprocess.run(
        ["sh", "-c", f'{sys.executable} -c "{code}" >/dev/null 2>&1 & echo $!'],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    pid = int(shell.stdout)
    yield pid
    os.kill(pid, 9)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
def test_another_process_is_seen_to_use_the_processors(stranger: int) -> None:
    meter = ProcessorMeter()
    first = meter.read(drawing=False)
    assert first.load is None
    time.sleep(1.0)
    use = meter.read(drawing=False)
    assert use.load is not None
    assert 0.05 < use.load <= 1.0
    assert use.free_bytes
    assert use.own_bytes
    assert use.own_bytes > 10 * 2**20


def test_what_this_process_uses_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    meter = ProcessorMeter()
    meter.read(drawing=False)
    began, all_s = time.process_time(), [0.0]

    def system() -> tuple[float, float]:
        """As if this process were alone on two processors."""
        used = time.process_time() - began
        return used, 2 * max(used, all_s[0])

    monkeypatch.setattr("bot.sharing.processor._system", system)
    meter.read(drawing=True)
    while time.process_time() - began < 0.3:
        pass
    all_s[0] = 0.4
    load = meter.read(drawing=True).load
    assert load is not None
    assert load < 0.1


class NVMLError(Exception):
    """As pynvml's."""


class NotFoundError(NVMLError):
    """No samples."""


@dataclass
class FakeNvml:
    """One card, and what the driver says of it. A value that is an exception is raised."""

    processes: Any = ()
    samples: Any = ()
    gpu: int = 0
    free: int = 8 * GIB
    asked: list[int] = field(default_factory=list[int])

    NVMLError = NVMLError
    NVMLError_NotFound = NotFoundError

    def nvmlDeviceGetHandleByPciBusId(self, bus: str) -> str:  # noqa: N802 - NVML's name
        if bus != "0000:01:00.0":
            raise NVMLError("Not Found")
        return "handle"

    def nvmlDeviceGetComputeRunningProcesses(self, handle: str) -> Any:  # noqa: N802
        return _said(self.processes)

    def nvmlDeviceGetGraphicsRunningProcesses(self, handle: str) -> Any:  # noqa: N802
        raise NVMLError("Not Supported")

    def nvmlDeviceGetProcessUtilization(self, handle: str, since: int) -> Any:  # noqa: N802
        self.asked.append(since)
        return _said(self.samples)

    def nvmlDeviceGetUtilizationRates(self, handle: str) -> Any:  # noqa: N802
        return SimpleNamespace(gpu=self.gpu)

    def nvmlDeviceGetMemoryInfo(self, handle: str) -> Any:  # noqa: N802
        return SimpleNamespace(free=self.free)


def _said(value: Any) -> Any:
    if isinstance(value, Exception):
        raise value
    return value


def process(pid: int, memory: int | None) -> Any:
    return SimpleNamespace(pid=pid, usedGpuMemory=memory)


def sample(pid: int, load: int, at: int = 1) -> Any:
    return SimpleNamespace(pid=pid, smUtil=load, timeStamp=at)


MINE, OTHER = os.getpid(), 4_000_000


def meter(nvml: FakeNvml) -> CardMeter:
    return CardMeter(nvml, "0000:01:00.0")


def test_of_a_card_the_use_of_others_is_told_by_process() -> None:
    nvml = FakeNvml(processes=[process(OTHER, GIB), process(MINE, 6 * GIB)])
    nvml.samples = [sample(MINE, 90, 5), sample(OTHER, 20, 6), sample(OTHER, 40, 7)]
    reading = meter(nvml)
    assert reading.read(drawing=True) == Use(load=0.3, free_bytes=8 * GIB, own_bytes=6 * GIB)
    nvml.samples = NotFoundError("nobody")
    assert reading.read(drawing=True).load == 0.0
    assert nvml.asked == [0, 7]


def test_where_the_driver_does_not_know_this_process_it_is_told_only_while_nothing_is_drawn() -> (
    None
):
    nvml = FakeNvml(processes=[process(OTHER, None)], samples=[sample(OTHER, 90)], gpu=80)
    assert meter(nvml).read(drawing=True).load is None
    assert meter(nvml).read(drawing=False).load == 0.8


def test_an_old_card_that_tells_little_is_no_error() -> None:
    nvml = FakeNvml(processes=[process(MINE, None)], samples=NVMLError("Not Supported"), gpu=30)
    assert meter(nvml).read(drawing=False) == Use(load=0.3, free_bytes=8 * GIB)
    assert meter(nvml).read(drawing=True).load is None


def _elsewhere(device_id: int) -> str:
    return f"slot {device_id}"


def _nowhere(device_id: int) -> None:
    assert device_id == 0


def test_without_a_card_or_the_library_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NVMLError):
        CardMeter(FakeNvml(), "elsewhere")
    monkeypatch.setattr(cards, "nvml", lambda: None)
    assert CardMeter.of(0) is None
    monkeypatch.setattr(cards, "nvml", FakeNvml)
    monkeypatch.setattr(cards, "bus_id", _elsewhere)
    assert CardMeter.of(0) is None
    monkeypatch.setattr(cards, "bus_id", _nowhere)
    assert CardMeter.of(0) is None


def test_the_number_of_a_card_is_cudas() -> None:
    class Driver:
        def cuInit(self, _: Any) -> int:  # noqa: N802
            return 0

        def cuDeviceGet(self, _: Any, number: Any) -> int:  # noqa: N802
            return 0 if number.value == 1 else 101

        def cuDeviceGetPCIBusId(self, name: Any, _: Any, __: Any) -> int:  # noqa: N802
            name.value = b"0000:41:00.0"
            return 0

    assert bus_id(1, driver=Driver()) == "0000:41:00.0"
    assert bus_id(2, driver=Driver()) is None


class Told:
    """Says what the test wants."""

    def __init__(self, use: Use) -> None:
        self.use = use
        self.reads = 0

    def read(self, *, drawing: bool) -> Use:
        self.reads += 1
        return self.use


async def test_each_card_yields_by_itself() -> None:
    clock = ManualClock()
    told = {3: Told(Use(load=0.9)), 5: Told(Use(load=0.0))}
    watcher = Watcher(
        YieldLimits(load=0.5), clock=clock, devices=(3, 5), card_of=told.get, processor=Told(Use())
    )
    workers = {
        number: EngineWorker(FakeEngine, schedule=Schedule(Pausing(clock))) for number in (0, 1)
    }
    await watcher.look(workers)
    clock.advance(SUSTAINED_S)
    await watcher.look(workers)
    assert [workers[number].schedule.busy for number in (0, 1)] == [True, False]


async def test_engines_on_the_processor_are_measured_once_and_together() -> None:
    clock, processor = ManualClock(), Told(Use(load=0.9))
    watcher = Watcher(
        YieldLimits(load=0.5),
        clock=clock,
        devices=(0, 1),
        provider="cpu",
        card_of=lambda _: pytest.fail("there is no card"),
        processor=processor,
    )
    workers = {
        number: EngineWorker(FakeEngine, schedule=Schedule(Pausing(clock))) for number in (0, 1)
    }
    await watcher.look(workers)
    clock.advance(SUSTAINED_S)
    await watcher.look(workers)
    assert processor.reads == 2
    assert all(worker.schedule.busy for worker in workers.values())

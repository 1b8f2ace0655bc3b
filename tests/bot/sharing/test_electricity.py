"""Electricity of a picture: by a card's counter or power, and by a processor's counters."""

import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.jobs.draw.energy import Electricity, measured
from bot.jobs.draw.schedule import Pausing, Schedule
from bot.jobs.draw.worker import EngineWorker
from bot.sharing import electricity
from bot.sharing.electricity import CardEnergy, ProcessorEnergy
from bot.sharing.energy_meters import EnergyMeters
from pipeline.engine.protocol import DrawnPicture
from tests.support.clock import ManualClock
from tests.support.fake_engine import FakeEngine
from tests.support.patience import PATIENCE_S


class NVMLError(Exception):
    """As pynvml's."""


class FakeNvml:
    """A card that knows its energy (mJ), its power (mW), or nothing."""

    NVMLError = NVMLError

    def __init__(self, *, energy: list[float] | None = None, power: float | None = None) -> None:
        self.energy = energy
        self.power = power
        self.sampled = threading.Semaphore(0)

    def nvmlDeviceGetHandleByPciBusId(self, bus: str) -> str:  # noqa: N802 - NVML's name
        return bus

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: str) -> float:  # noqa: N802
        if self.energy is None:
            raise NVMLError("Not Supported")
        return self.energy.pop(0)

    def nvmlDeviceGetPowerUsage(self, handle: str) -> float:  # noqa: N802
        if self.power is None:
            raise NVMLError("Not Supported")
        self.sampled.release()
        return self.power


def test_by_the_counter_of_a_card() -> None:
    assert CardEnergy(FakeNvml(energy=[5_000.0, 8_600_000.0]), "x").start()() == 8595.0
    assert CardEnergy(FakeNvml(energy=[5_000.0, 4_000.0]), "x").start()() is None


def test_by_the_power_of_a_card_that_has_no_counter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(electricity, "SAMPLE_EVERY_S", 0.01)
    nvml = FakeNvml(power=200_000.0)
    began = time.monotonic()
    taken = CardEnergy(nvml, "x").start()
    inside = time.monotonic()
    for _ in range(5):
        nvml.sampled.acquire(timeout=PATIENCE_S)
    least_s = time.monotonic() - inside
    joules = taken()
    assert joules is not None
    assert 200 * least_s <= joules <= 200 * (time.monotonic() - began)


def test_a_card_that_tells_nothing() -> None:
    assert CardEnergy(FakeNvml(), "x").start()() is None
    assert electricity.energy_of_card(0) is None  # this machine has none


def rapl(folder: Path, **values: int | str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in values.items():
        (folder / name).write_text(f"{value}\n")
    return folder


def test_by_the_counters_of_the_processors(tmp_path: Path) -> None:
    first = rapl(tmp_path / "intel-rapl:0", name="package-0", energy_uj=1_000_000)
    second = rapl(tmp_path / "intel-rapl:1", name="package-1", energy_uj=9_500_000)
    for folder in (first, second):
        rapl(folder, max_energy_range_uj=10_000_000)
    rapl(tmp_path / "intel-rapl:0:0", name="core", energy_uj=5)
    rapl(tmp_path / "intel-rapl:2", name="psys", energy_uj=5)
    meter = ProcessorEnergy.of(tmp_path)
    assert meter is not None
    taken = meter.start()
    rapl(first, energy_uj=3_000_000)
    rapl(second, energy_uj=500_000)  # it began again at 0
    rapl(tmp_path / "intel-rapl:2", energy_uj=9_000_000)
    assert taken() == 2.0 + 1.0
    taken = meter.start()
    (first / "energy_uj").unlink()
    assert taken() is None


def test_a_processor_that_may_not_be_read_tells_nothing(tmp_path: Path) -> None:
    assert ProcessorEnergy.of(tmp_path) is None
    assert ProcessorEnergy.of(tmp_path / "absent") is None
    rapl(tmp_path / "intel-rapl:0", name="package-0")
    assert ProcessorEnergy.of(tmp_path) is None


class Fixed:
    """Says the same of every picture."""

    def __init__(self, energy_j: float | None) -> None:
        self.energy_j = energy_j

    def start(self) -> Any:
        return lambda: self.energy_j


def test_a_picture_has_what_was_measured_while_it_was_drawn() -> None:
    from PIL import Image

    drawn = DrawnPicture(image=Image.new("RGB", (8, 8)), seed=1, elapsed_s=1.0, seconds_a_step=0.1)
    assert measured(lambda: drawn, None) is drawn
    assert measured(lambda: drawn, Fixed(7.0)).energy_j == 7.0
    assert measured(lambda: drawn, Fixed(None)).energy_j is None
    with pytest.raises(ZeroDivisionError):
        measured(lambda: 1 // 0, Fixed(7.0))  # pyright: ignore[reportArgumentType]


def test_the_average_of_all_and_the_last() -> None:
    none = Electricity()
    assert (none.picture_wh, none.last_wh) == (None, None)
    two = none.plus(3600.0).plus(7200.0)
    assert (two.pictures, two.picture_wh, two.last_wh) == (2, 1.5, 2.0)


async def test_each_engine_gets_its_meter_once_its_model_is_loaded() -> None:
    asked: list[int] = []

    def card_of(device_id: int) -> Fixed:
        asked.append(device_id)
        return Fixed(float(device_id))

    meters = EnergyMeters(devices=(3, 5), card_of=card_of, processor_of=lambda: Fixed(1.0))
    schedule = Schedule(Pausing(ManualClock()))
    workers = {number: EngineWorker(FakeEngine, schedule=schedule) for number in (0, 1)}
    await meters.fit(workers)
    assert workers[0].energy is None
    cuda = SimpleNamespace(provider="CUDAExecutionProvider")
    workers[0].model = workers[1].model = cuda  # type: ignore[assignment]
    for _ in range(2):
        await meters.fit(workers)
    assert asked == [3, 5]
    # Of two engines on one processor, nobody knows which uses how much.
    for count, wanted in ((1, Fixed), (2, type(None))):
        meters = EnergyMeters(devices=(0, 1), card_of=card_of, processor_of=lambda: Fixed(1.0))
        workers = {each: EngineWorker(FakeEngine, schedule=schedule) for each in range(count)}
        for worker in workers.values():
            worker.model = FakeEngine().model
        await meters.fit(workers)
        assert isinstance(workers[0].energy, wanted)

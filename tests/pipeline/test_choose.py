"""What `auto` chooses, and that the machine is timed once."""

import json
from pathlib import Path

import pytest

from pipeline.model.cpu import Cpu
from pipeline.model.folder import ModelFolder
from pipeline.model.prepared import CALIBRATION, Variant
from pipeline.model.providers import CPU, CUDA
from pipeline.prepare import calibrate as timing
from pipeline.prepare.calibrate import Calibration, calibrate, measure
from pipeline.prepare.choose import Machine, choose
from pipeline.prepare.sizes import prepared_bytes

AVX2 = Cpu(model="AMD EPYC", machine="x86_64", flags=frozenset({"avx2"}))
NEEDS: dict[Variant, int] = {"fp32": 15_000_000_000, "int8": 8_000_000_000}


def machine(
    speedup: float | None, free_bytes: float = 32e9, provider: str = CPU, cpu: Cpu = AVX2
) -> Machine:
    return Machine(
        provider=provider,
        cpu=cpu,
        free_bytes=int(free_bytes),
        needs=NEEDS,
        calibration=(
            None if speedup is None else Calibration(machine="here", linear_speedup=speedup)
        ),
    )


@pytest.mark.parametrize(
    ("here", "variant"),
    [
        (machine(None, provider=CUDA), "fp16"),
        (machine(1.9), "int8"),
        (machine(3.0), "int8"),
        (machine(1.05), "fp32"),  # not worth other numbers
        (machine(1.05, free_bytes=10e9), "int8"),  # but it fits, and is not slower
        (machine(0.8), "fp32"),
        (machine(0.8, free_bytes=10e9), "fp32"),  # never where it is slower
        (machine(1.05, free_bytes=4e9), "fp32"),  # neither fits: what can stay in its file
    ],
)
def test_the_fastest_that_is_no_loss_is_chosen(here: Machine, variant: Variant) -> None:
    assert choose(here).variant == variant


def test_the_reason_names_the_processor_and_what_was_measured() -> None:
    why = choose(machine(1.9)).why
    assert "AMD EPYC (AVX2 alone)" in why
    assert "1.90" in why
    assert "about 1.4" in why  # 1 / (0.36 + 0.64 / 1.9)


def test_this_machine_is_timed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    timed: list[int] = []

    def count(*, threads: int, full_range: bool) -> float:
        timed.append(threads)
        return 1.5

    monkeypatch.setattr(timing, "measure", count)
    lines: list[str] = []
    for _ in range(2):
        found = calibrate(tmp_path, AVX2, threads=2, progress=lines.append)
        assert found.linear_speedup == 1.5
    assert (timed, len(lines)) == ([2], 1)
    other = Cpu(model="another", machine="x86_64", flags=frozenset())
    calibrate(tmp_path, other, threads=2, progress=lines.append)
    calibrate(tmp_path, AVX2, threads=1, progress=lines.append)
    assert timed == [2, 2, 1], "another processor or thread count is another machine"
    (tmp_path / "prepared" / CALIBRATION).write_text("{broken")
    calibrate(tmp_path, AVX2, threads=2, progress=lines.append)
    assert len(timed) == 4
    assert json.loads((tmp_path / "prepared" / CALIBRATION).read_text())


def test_the_timing_itself_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "_SHAPES", ((64, 64), (64, 64)))
    assert 0 < measure(threads=1, full_range=False) < 100


def test_sizes_are_known_before_writing(tiny: ModelFolder) -> None:
    single, half = prepared_bytes(tiny, "fp32"), prepared_bytes(tiny, "fp16")
    assert 0.45 < half["unet"] / single["unet"] < 0.6
    assert half["vae_decoder"] == single["vae_decoder"]

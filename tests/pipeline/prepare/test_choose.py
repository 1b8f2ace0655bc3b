"""What `auto` chooses, and that the machine is timed once."""

import json
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ModelError
from pipeline.model.folder import ModelFolder
from pipeline.model.options import Variant
from pipeline.plan.on_card import Card
from pipeline.plan.prepared import CALIBRATION
from pipeline.prepare import calibrate as timing
from pipeline.prepare import choose as choose_module
from pipeline.prepare.calibrate import calibrate, measure
from pipeline.prepare.choose import Machine, choose
from pipeline.prepare.sizes import prepared_bytes
from pipeline.runtime.cpu import Cpu
from pipeline.runtime.openvino import openvino_version
from pipeline.runtime.providers import CPU, CUDA
from pipeline.runtime.sessions import SessionFactory
from pipeline.speed import notes as speed_notes
from pipeline.speed.notes import Calibration, Speeds, noted
from tests.pipeline.preparing import Shared

SPEEDS = Speeds(linear_flops=2e11, conv_flops=2e11, int8_linear=1.0)
AVX2 = Cpu(model="AMD EPYC", machine="x86_64", flags=frozenset({"avx2"}))
NEEDS: dict[Variant, int] = {
    "fp32": 15_000_000_000,
    "int8": 8_000_000_000,
    "bf16": 12_000_000_000,
    "int8-bf16": 9_000_000_000,
}


def machine(
    speedup: float | None,
    free_bytes: float = 32e9,
    provider: str = CPU,
    cpu: Cpu = AVX2,
    *,
    bf16: float | None = None,
    both: float | None = None,
) -> Machine:
    """`speedup` of linear layers in eight bits; `bf16` of all layers in OpenVINO, `both` of linear
    layers there in eight bits."""
    speeds = replace(
        SPEEDS,
        int8_linear=speedup or 1,
        bf16_linear=bf16,
        bf16_conv=bf16,
        bf16_int8_linear=both or bf16,
        bf16_int8_conv=both or bf16,
    )
    return Machine(
        provider=provider,
        cpu=cpu,
        free_bytes=int(free_bytes),
        needs=NEEDS,
        calibration=None if speedup is None else Calibration(machine="here", speeds=speeds),
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
        (machine(1.9, bf16=2.5), "bf16"),
        (machine(1.9, bf16=1.2), "int8"),  # never where another is faster
        (machine(1.9, bf16=2.5, free_bytes=8.5e9), "int8"),  # it would not fit
        (machine(0.8, bf16=0.9), "fp32"),
        (machine(0.8, bf16=1.5), "bf16"),
        (machine(1.9, bf16=2.5, both=4.0), "int8-bf16"),
        (machine(1.9, bf16=2.5, both=2.6), "bf16"),  # less exact, and hardly faster
        (machine(3.0, bf16=1.0, both=1.8), "int8"),
        (machine(1.9, bf16=2.5, both=4.0, free_bytes=10e9), "int8-bf16"),  # bf16 would not fit
        (machine(0.8, bf16=0.9, both=1.5), "int8-bf16"),
    ],
)
def test_the_fastest_that_is_no_loss_is_chosen(here: Machine, variant: Variant) -> None:
    assert choose(here).variant == variant


def test_if_the_least_exact_is_too_inexact_the_next_one_is_known() -> None:
    choice = choose(machine(1.9, bf16=2.5, both=4.0))
    assert (choice.variant, choice.otherwise) == ("int8-bf16", "bf16")
    assert "3.63 times with most of it in eight bits" in choice.why
    assert choose(machine(1.9, bf16=2.5)).otherwise is None


def test_a_card_with_room_is_told_how_it_is_used() -> None:
    here = replace(machine(None, provider=CUDA), card=Card(name="A card", total_bytes=12 * 2**30))
    choice = choose(here)
    assert (choice.variant, choice.on_card) == ("fp16", True)
    assert "12.0 GiB of A card: all of the model on it, the VAE in tiles" in choice.why


def test_a_card_without_room_leaves_it_to_the_processor() -> None:
    small = Card(name="A card", total_bytes=4 * 2**30)
    choice = choose(replace(machine(1.9, provider=CUDA), card=small))
    assert (choice.variant, choice.on_card) == ("int8", False)
    assert "4.0 GiB of A card are too small" in choice.why


def test_an_unknown_card_gets_half_precision() -> None:
    choice = choose(machine(None, provider=CUDA))
    assert choice.on_card
    assert "can't be read" in choice.why


def test_the_reason_names_the_processor_and_what_was_measured() -> None:
    why = choose(machine(1.9)).why
    assert "AMD EPYC (AVX2 alone)" in why
    assert "1.90" in why
    assert "about 1.4" in why  # 1 / (0.36 + 0.64 / 1.9)


def test_convolutions_in_eight_bits_count() -> None:
    here = machine(1.9)
    assert here.calibration is not None
    faster = replace(here.calibration, speeds=replace(here.calibration.speeds, int8_conv=2.0))
    assert faster.int8_step == pytest.approx(1 / (0.12 + 0.64 / 1.9 + 0.24 * (0.8 / 2 + 0.2)))


def test_this_machine_is_timed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    timed: list[int] = []

    def count(*, threads: int, full_range: bool, openvino: bool) -> Speeds:
        timed.append(threads)
        return replace(SPEEDS, int8_linear=1.5)

    monkeypatch.setattr(timing, "measure", count)
    lines: list[str] = []
    found = [calibrate(tmp_path, AVX2, threads=2, progress=lines.append) for _ in range(2)]
    assert [each.speeds.int8_linear for each in found] == [1.5, 1.5]
    assert (timed, len(lines)) == ([2], 1)
    other = Cpu(model="another", machine="x86_64", flags=frozenset())
    calibrate(tmp_path, other, threads=2, progress=lines.append)
    calibrate(tmp_path, AVX2, threads=1, progress=lines.append)
    assert timed == [2, 2, 1], "another processor or thread count is another machine"
    notes = tmp_path / "prepared" / CALIBRATION
    odd = [{"int8_linear": "fast"}, {"linear_flops": 0}, {"conv_flops": None}]
    odd += [{"int8_conv": 5e-324}, {"conv_flops": 10**400}]  # with which nothing can be computed
    wrong = [json.dumps({found[0].machine: asdict(SPEEDS) | each}) for each in odd]
    for broken in ("{broken", '{"an older form": 1.5}', *wrong):
        notes.write_text(broken)
        assert noted(tmp_path, AVX2, threads=2) is None
        calibrate(tmp_path, AVX2, threads=2, progress=lines.append)
    assert len(timed) == 10
    assert json.loads(notes.read_text())


def test_a_folder_that_cannot_be_written_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "prepared").write_text("a file where the folder would be")

    def measured(*, threads: int, full_range: bool, openvino: bool) -> Speeds:
        return SPEEDS

    monkeypatch.setattr(timing, "measure", measured)
    found = calibrate(tmp_path, AVX2, threads=2, progress=lambda _: None)
    assert found.speeds == SPEEDS
    assert speed_notes.noted(tmp_path, AVX2, threads=2) is None


def test_openvino_is_timed_where_it_can_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed: list[bool] = []

    def count(*, threads: int, full_range: bool, openvino: bool) -> Speeds:
        timed.append(openvino)
        return replace(SPEEDS, int8_linear=1.5)

    monkeypatch.setattr(timing, "measure", count)
    with_bf16 = Cpu(model="AMD EPYC", machine="x86_64", flags=frozenset({"avx512_bf16"}))
    for version, cpu in (("", with_bf16), ("2026.1", with_bf16), ("2026.1", AVX2)):
        monkeypatch.setattr(speed_notes, "openvino_version", lambda found=version: found)
        calibrate(tmp_path, cpu, threads=2, progress=lambda _: None)
    assert timed == [False, True, False]


def test_the_timing_itself_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "_SHAPES", ((64, 64), (64, 64)))
    monkeypatch.setattr(timing, "_CONV_CHANNELS", (16, 16))
    found = measure(threads=1, full_range=False, openvino=bool(openvino_version()))
    assert 0 < found.int8_linear < 100
    assert 0 < found.int8_conv < 100
    assert found.linear_flops > 0
    assert found.conv_flops > 0
    if openvino_version():
        assert found.bf16_linear is not None
        assert found.bf16_conv is not None
        assert found.bf16_int8_linear is not None
        assert found.bf16_int8_conv is not None


def test_openvino_is_not_chosen_for_a_model_in_half_precision(
    tiny: ModelFolder,
    shared: Shared,
    mapped: SessionFactory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It could not be converted: `auto` ended with an exception of Python's."""
    halved = ModelFolder.open(shared(tiny, "fp16").path)
    here = machine(1.9, bf16=2.5, both=4.0).calibration

    def calibrated(*_arguments: Any, **_options: Any) -> Calibration | None:
        return here

    monkeypatch.setattr(choose_module, "calibrate", calibrated)
    monkeypatch.setattr(choose_module, "available_bytes", lambda: 32_000_000_000)
    for source, variant in ((tiny, "int8-bf16"), (halved, "int8")):
        choice = choose_module.choose_here(source, tmp_path, mapped, progress=lambda _: None)
        assert (choice.variant, "OpenVINO" in choice.why) == (variant, source is tiny)
    with pytest.raises(ModelError) as caught:
        prepared_bytes(halved, "int8-bf16")
    assert caught.value.key == "variant_unfit"


def test_layers_faster_than_the_clocks_steps_take_some_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Windows counts the processor's time in steps of 1/64 s."""
    exact = time.process_time
    monkeypatch.setattr(time, "process_time", lambda: int(exact() * 64) / 64)
    monkeypatch.setattr(timing, "_SHAPES", ((64, 64), (64, 64)))
    monkeypatch.setattr(timing, "_CONV_CHANNELS", (16, 16))
    found = measure(threads=1, full_range=False, openvino=False)
    assert 0 < found.int8_linear < 100
    assert 0 < found.int8_conv < 100


def test_sizes_are_known_before_writing(tiny: ModelFolder) -> None:
    single, half = prepared_bytes(tiny, "fp32"), prepared_bytes(tiny, "fp16")
    assert 0.45 < half["unet"] / single["unet"] < 0.6
    assert half["vae_decoder"] == single["vae_decoder"]

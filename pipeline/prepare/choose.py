"""What `auto` means on this machine, and why. The decision is a pure function of what was found."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.model.cpu import Cpu, this_cpu
from pipeline.model.folder import ModelFolder
from pipeline.model.memory import available_bytes
from pipeline.model.prepared import Variant
from pipeline.model.providers import CPU
from pipeline.model.sessions import SessionFactory
from pipeline.prepare.calibrate import Calibration, calibrate
from pipeline.prepare.sizes import needed_when_prepared

WORTH_IT: Final = 1.1
"""A smaller gain is not worth other numbers than the source's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What counts. `needs`: main memory that each variant takes on the processor, in bytes.

    `calibration` is None where the processor does not draw.
    """

    provider: str
    cpu: Cpu
    free_bytes: int
    needs: dict[Variant, int]
    calibration: Calibration | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A variant and the reason, for people."""

    variant: Variant
    why: str


def choose(machine: Machine) -> Choice:
    """fp16 on a card; on a processor the fastest of int8 and bf16 that wins and fits, or fits
    while fp32 does not and is not slower."""
    if machine.provider != CPU or machine.calibration is None:
        return Choice(variant="fp16", why="an NVIDIA card draws, and it is made for half precision")
    found, cpu = machine.calibration, f"{machine.cpu.model} ({machine.cpu.skills})"
    steps: dict[Variant, float] = {"int8": found.int8_step}
    timed = (
        f"on {cpu} linear layers take {found.speedups.int8_linear:.2f} times the speed in eight "
        f"bits, so a step about {found.int8_step:.2f} times"
    )
    if found.bf16_step is not None:
        steps["bf16"] = found.bf16_step
        timed += (
            f"; in OpenVINO's bfloat16 a step takes about {found.bf16_step:.2f} times the speed"
        )
    tight = machine.needs["fp32"] > machine.free_bytes
    fastest = sorted(steps, key=lambda variant: -steps[variant])
    for variant in fastest:
        fits = machine.needs[variant] <= machine.free_bytes
        if steps[variant] >= WORTH_IT and (fits or variant == "int8"):
            return Choice(variant=variant, why=timed)
        if tight and fits and steps[variant] >= 1:
            return Choice(variant=variant, why=f"{timed}, and fp32 does not fit into free memory")
    return Choice(variant="fp32", why=f"{timed}: not worth it")


def choose_here(
    source: ModelFolder,
    models_dir: Path,
    factory: SessionFactory,
    *,
    progress: Callable[[str], None],
) -> Choice:
    """Look at this machine, time what has to be timed, and decide."""
    cpu, on_cpu = this_cpu(), factory.provider == CPU
    variants: tuple[Variant, ...] = ("fp32", "int8", "bf16")
    return choose(
        Machine(
            provider=factory.provider,
            cpu=cpu,
            free_bytes=available_bytes(),
            needs={variant: needed_when_prepared(source, variant) for variant in variants},
            calibration=(
                calibrate(models_dir, cpu, threads=factory.threads, progress=progress)
                if on_cpu
                else None
            ),
        )
    )

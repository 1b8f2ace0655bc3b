"""Chooses what `auto` means on this machine, and why, as a pure function of findings."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pipeline.model.folder import ModelFolder
from pipeline.model.options import Variant
from pipeline.onnx.skeleton import load_skeleton
from pipeline.plan.card_plan import SDXL, Sizes, plan_card
from pipeline.plan.memory import available_bytes
from pipeline.plan.on_card import Card, read_card, too_small
from pipeline.prepare.calibrate import calibrate
from pipeline.prepare.half import is_in_half
from pipeline.prepare.sizes import half_sizes, needed_when_prepared
from pipeline.runtime.cpu import Cpu, this_cpu
from pipeline.runtime.providers import CPU
from pipeline.runtime.sessions import SessionFactory
from pipeline.speed.notes import Calibration

WORTH_IT: Final = 1.1
"""A smaller gain does not justify numbers other than the source's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The findings. `needs`: main memory that each variant needs on the processor, in bytes; of
    those that the model can be made to.

    `card` is None if no card draws or its memory can't be read, `half` are the model's sizes on a
    card in half precision. `calibration` is None if the processor does not draw.
    """

    provider: str
    cpu: Cpu
    free_bytes: int
    needs: dict[Variant, int]
    calibration: Calibration | None
    card: Card | None = None
    half: Sizes = SDXL


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A variant and the reason, for people. `on_card`: it is for the card. `calibration`: how fast
    the processor is, None if it does not draw. `otherwise`: what is prepared if the check finds
    `variant` too far from the source."""

    variant: Variant
    why: str
    on_card: bool = False
    otherwise: Variant | None = None
    calibration: Calibration | None = None


def choose(machine: Machine) -> Choice:
    """fp16 on a card that has room for it; on a processor the faster of int8 and bf16 that is
    faster than fp32 and fits, or that fits if fp32 does not and is no slower.

    int8-bf16 is the least exact, so it has to be faster than these by as much.
    """
    if machine.calibration is None:
        why = "an NVIDIA card draws, and it is made for half precision"
        if machine.card is None:
            return Choice(variant="fp16", why=f"{why}; its memory can't be read", on_card=True)
        plan, gib = plan_card(machine.card.total_bytes, machine.half), _gib(machine.card)
        return Choice(variant="fp16", why=f"{why}; {gib}: {plan or 'too small'}", on_card=True)
    found, cpu = machine.calibration, f"{machine.cpu.model} ({machine.cpu.skills})"
    steps: dict[Variant, float] = {"int8": found.int8_step}
    timed = (
        f"on {cpu} linear layers are {found.speeds.int8_linear:.2f} times as fast in eight bits, "
        f"so a step about {found.int8_step:.2f} times"
    )
    if machine.card is not None:
        timed = f"{_gib(machine.card)} are too small for this model; {timed}"
    if found.bf16_step is not None and "bf16" in machine.needs:
        steps["bf16"] = found.bf16_step
        timed += f"; in OpenVINO's bfloat16 a step is about {found.bf16_step:.2f} times as fast"
    if found.int8_bf16_step is not None and "int8-bf16" in machine.needs:
        timed += f", and {found.int8_bf16_step:.2f} times with most of it in eight bits"
    exact = _exact(machine, steps, timed)
    needed = machine.needs.get("int8-bf16")
    if found.int8_bf16_step is None or needed is None or needed > machine.free_bytes:
        return exact
    if found.int8_bf16_step < WORTH_IT * steps.get(exact.variant, 1):
        return exact
    return Choice(variant="int8-bf16", why=timed, otherwise=exact.variant)


def _exact(machine: Machine, steps: dict[Variant, float], timed: str) -> Choice:
    """The choice among fp32 and the variants of `steps`, which says how much faster each is."""
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
    may_leave_card: bool = True,
    read: Callable[[int], Card | None] = read_card,
) -> Choice:
    """Examine this machine, measure what is needed, and decide. `may_leave_card`: a card that is
    too small is not used; otherwise ModelError `card_too_small_half`."""
    cpu = this_cpu()
    card = None if factory.provider == CPU else read(factory.device_id)
    half = SDXL if card is None else half_sizes(source)
    is_small = card is not None and plan_card(card.total_bytes, half) is None
    if card is not None and is_small and not may_leave_card:
        raise too_small(half, card.total_bytes, is_half=True)
    variants: tuple[Variant, ...] = ("fp32", "int8", "bf16", "int8-bf16")
    if is_in_half(load_skeleton(source.onnx_file("unet"))):
        variants = ("fp32", "int8")
    machine = Machine(
        provider=factory.provider,
        cpu=cpu,
        free_bytes=available_bytes(),
        needs={variant: needed_when_prepared(source, variant) for variant in variants},
        calibration=(
            calibrate(models_dir, cpu, threads=factory.threads, progress=progress)
            if factory.provider == CPU or is_small
            else None
        ),
        card=card,
        half=half,
    )
    return replace(choose(machine), calibration=machine.calibration)


def _gib(card: Card) -> str:
    return f"the {card.total_bytes / 2**30:.1f} GiB of {card.name}"

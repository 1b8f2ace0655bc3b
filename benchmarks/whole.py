"""A whole picture of the real size, by `python -m bot imagine`: how long, and how much memory."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.contest import NAMED_AFTER, STOCK, Found, gb
from benchmarks.imagine import imagine
from benchmarks.memory import Memory
from benchmarks.report import Row
from pipeline.card import DEFAULT_STEPS
from pipeline.model.folder import ModelFolder
from pipeline.model.options import Variant
from pipeline.plan.memory import available_bytes
from pipeline.plan.memory_plan import make_plan
from pipeline.plan.prepared import find
from pipeline.prepare.calibrate import calibrate
from pipeline.runtime.cpu import this_cpu
from pipeline.runtime.providers import CPU
from pipeline.runtime.threads import default_threads
from pipeline.speed.estimate import SIDE, USUAL_PICTURE, about, expect
from pipeline.speed.work import work_of

SIZE: Final = f"{SIDE}x{SIDE}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """One picture of 1024x1024 with guidance. `planned_bytes`: what the plan says it takes at most;
    `expected_s`: what `doctor` says the usual one takes, before any is drawn."""

    steps: int
    seconds: float
    processor_s: float
    peak: Memory
    planned_bytes: int
    expected_s: float


def draw_whole(model: Path, models_dir: Path, variant: Variant, steps: int) -> Whole:
    """Draw with `variant` of `model`, prepared below `models_dir`, in `steps` steps."""
    source = ModelFolder.open(model)
    prepared = find(models_dir, source, variant, CPU)
    plan = make_plan(prepared, available_bytes())
    timed = calibrate(models_dir, this_cpu(), threads=default_threads(), progress=print)
    expected = expect(work_of(source, width=SIDE, height=SIDE), timed.speeds, variant)
    assert expected is not None, "it was prepared, so this processor runs it"
    settings = {
        "MODEL": str(model),
        "MODELS_DIR": str(models_dir),
        "MODEL_VARIANT": variant,
        "PROVIDER": "cpu",
    }
    with TemporaryDirectory(prefix="ekaki-bench-") as folder:
        options = ("--aspect", "1:1", "--steps", str(steps))
        drawn = imagine("1girl, green hair", *options, folder=Path(folder), settings=settings)
    return Whole(
        steps=steps,
        seconds=drawn.seconds,
        processor_s=drawn.processor_s,
        peak=drawn.peak,
        planned_bytes=plan.peak_bytes,
        expected_s=expected.picture_s,
    )


def whole_rows(found: Mapping[Variant, Sequence[Whole]]) -> Iterator[Row]:
    """A table."""
    for variant, pictures in found.items():
        for picture in pictures:
            yield Row(
                f"`imagine` with `{variant}`, {picture.steps} steps",
                cells={
                    "from start to file": f"{picture.seconds:.0f} s",
                    "of the processor": f"{picture.processor_s:.0f} s",
                    "most private": gb(picture.peak.private),
                    "as planned, at most": gb(picture.planned_bytes),
                    "most resident": gb(picture.peak.resident),
                    f"told beforehand of {USUAL_PICTURE}": about(picture.expected_s),
                },
            )


def against_stock(
    found: Mapping[str, Found], drawn: Mapping[Variant, Sequence[Whole]]
) -> Iterator[Row]:
    """A table of whole pictures in 28 steps, from start to file: what a drawn one took beside its
    steps, and 28 of the steps that were measured.

    Stock's has what is beside the steps of fp32, whose decoder is the same: drawing a whole one
    takes more memory than a machine has that the other variants are made for.
    """
    beside = {
        variant: _beside(min(pictures, key=lambda one: one.steps), found[name])
        for name, variant in NAMED_AFTER.items()
        if (pictures := drawn.get(variant)) and SIZE in found.get(name, Found()).seconds
    }
    if "fp32" not in beside or SIZE not in found.get(STOCK, Found()).seconds:
        return
    stock = _usual(found[STOCK], beside["fp32"])
    for name, variant in ((STOCK, None), *NAMED_AFTER.items()):
        if variant is None or variant in beside:
            own = stock if variant is None else _usual(found[name], beside[variant])
            yield Row(
                f"a picture by {name}",
                cells={
                    f"{USUAL_PICTURE}, computed: seconds": f"{own.seconds:.0f}",
                    "of the processor": f"{own.processor_s:.0f}",
                    "times stock's speed": f"{stock.seconds / own.seconds:.2f}",
                    "by the processor's seconds": f"{stock.processor_s / own.processor_s:.2f}",
                },
            )


@dataclass(frozen=True, slots=True)
class _Spent:
    seconds: float
    processor_s: float


def _step(seen: Found) -> _Spent:
    return _Spent(statistics.median(seen.seconds[SIZE]), statistics.median(seen.processor_s[SIZE]))


def _beside(picture: Whole, seen: Found) -> _Spent:
    """What `picture` took beside its steps."""
    step = _step(seen)
    return _Spent(
        picture.seconds - picture.steps * step.seconds,
        picture.processor_s - picture.steps * step.processor_s,
    )


def _usual(seen: Found, beside: _Spent) -> _Spent:
    step = _step(seen)
    return _Spent(
        beside.seconds + DEFAULT_STEPS * step.seconds,
        beside.processor_s + DEFAULT_STEPS * step.processor_s,
    )

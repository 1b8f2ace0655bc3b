"""A whole picture of the real size, by `python -m bot imagine`: how long, and how much memory."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.contest import gb
from benchmarks.imagine import imagine
from benchmarks.memory import Memory
from benchmarks.report import Row
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

"""Prepares a model in a process of its own and tells what that took: seconds and most memory.

`python -m benchmarks.preparing MODEL MODELS_DIR VARIANT [--no-lora]` prints a line of JSON.
"""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.memory import Memory, MemoryWatch
from pipeline.model.options import Variant

_NO_LORA: Final = "--no-lora"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """What one took. `write_s`: without the check at the end; `processor_s`: all of it, but of the
    processor. `errors` are relative, by part."""

    path: Path
    seconds: float
    write_s: float
    processor_s: float
    peak: Memory
    errors: dict[str, float]


def prepare(model: Path, models_dir: Path, variant: Variant, *, branch: bool = True) -> Preparation:
    """Prepare `model` below `models_dir`, whatever lies there already; without `branch` for no
    LoRAs."""
    command = [sys.executable, "-m", "benchmarks.preparing", str(model), str(models_dir), variant]
    command += [] if branch else [_NO_LORA]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process,  # noqa: S603 - ours
        MemoryWatch(process.pid) as watch,
    ):
        said, _ = process.communicate()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    found = json.loads(said.splitlines()[-1])
    return Preparation(
        path=Path(found["path"]),
        seconds=found["seconds"],
        write_s=found["write_s"],
        processor_s=found["processor_s"],
        peak=watch.peak,
        errors=found["errors"],
    )


def main(model: str, models_dir: str, variant: Variant, *options: str) -> None:
    """The child."""
    from pipeline.model.folder import ModelFolder
    from pipeline.prepare.options import PrepareOptions, Reporter
    from pipeline.prepare.prepare import prepare_model
    from pipeline.runtime.cpu import this_cpu
    from pipeline.runtime.sessions import SessionFactory

    began = time.perf_counter()
    written = 0.0

    def line(text: str) -> None:
        nonlocal written
        if text.startswith("Checking"):
            written = time.perf_counter() - began
        print(text, file=sys.stderr, flush=True)

    made = prepare_model(
        ModelFolder.open(Path(model)),
        Path(models_dir),
        PrepareOptions(
            variant=variant,
            branch=_NO_LORA not in options,
            full_range=this_cpu().int8_is_safe,
            why="benchmark",
        ),
        factory=SessionFactory(provider="cpu", mapped=True, reorder=False),
        report=Reporter(line=line),
    )
    print(
        json.dumps(
            {
                "path": str(made.path),
                "seconds": time.perf_counter() - began,
                "write_s": written,
                "processor_s": time.process_time(),
                "errors": made.manifest.errors,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])  # pyright: ignore[reportArgumentType]  # the parent's

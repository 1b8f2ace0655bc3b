"""`python -m bot imagine` as people type it, a process of its own: what a whole picture takes."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.memory import Memory, MemoryWatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Imagined:
    """From the start of the process to the file on the disk: seconds, those of the processor, and
    the most memory."""

    seconds: float
    processor_s: float
    peak: Memory


def imagine(prompt: str, *options: str, folder: Path, settings: Mapping[str, str]) -> Imagined:
    """Draw one picture, which goes again. `settings` as in `.env`; RuntimeError without one."""
    out = folder / "picture.png"
    command = [sys.executable, "-m", "bot", "imagine", prompt, *options]
    command += ["--seed", "1", "--out", str(out), "--force"]
    environment = {**os.environ, "DATA_DIR": str(folder / "state"), **settings}
    before, began = os.times(), time.perf_counter()
    with (
        subprocess.Popen(  # noqa: S603 - ourselves
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process,
        MemoryWatch(process.pid) as watch,
    ):
        _, said = process.communicate()
    seconds, after = time.perf_counter() - began, os.times()
    if process.returncode or not out.exists():
        raise RuntimeError(f"no picture came: {said}")
    out.unlink()
    return Imagined(
        seconds=seconds,
        processor_s=after.children_user
        + after.children_system
        - before.children_user
        - before.children_system,
        peak=watch.peak,
    )

"""What each variant of SDXL costs on this machine, before it is downloaded."""

from collections.abc import Callable
from typing import Final

import psutil

from bot.config.engine_options import engine_options
from bot.config.settings import Settings
from bot.setup.ask import Choice
from pipeline.model.options import VARIANTS
from pipeline.prepare.calibrate import calibrate
from pipeline.runtime.cpu import this_cpu
from pipeline.runtime.providers import CPU
from pipeline.runtime.sessions import SessionFactory
from pipeline.speed.estimate import SIDE, USUAL_PICTURE, about, expect
from pipeline.speed.notes import Speeds
from pipeline.speed.work import sdxl_work

MEMORY_GB: Final = {
    "source": 16.8,
    "fp32": 4.9,
    "int8": 6.2,
    "bf16": 10.7,
    "int8-bf16": 8.3,
    "fp16": 8.0,
}
"""Of a whole picture at 1024x1024 with guidance, measured by `make bench-full` with random weights
of SDXL's size; on a card, `fp16`, planned."""


def variants(settings: Settings, *, progress: Callable[[str], None]) -> list[Choice]:
    """`auto`, and what this machine can draw with, each with minutes and memory per picture. Times
    the processor for some seconds if that was not done before. ModelError
    `provider_unavailable`; StorageError if MODELS_DIR can't be written."""
    options = engine_options(settings)
    factory = SessionFactory.of(options)
    best = Choice("auto", "auto: whatever is fastest here; decided when the model is prepared")
    if factory.provider != CPU:
        said = f"fp16: for the card; {MEMORY_GB['fp16']:g} GB of memory"
        return [best, Choice("fp16", said)]
    found = calibrate(options.models_dir, this_cpu(), threads=factory.threads, progress=progress)
    progress(f"This machine has {psutil.virtual_memory().total / 1e9:.0f} GB of memory.")
    return [best, *described(found.speeds)]


def described(speeds: Speeds) -> list[Choice]:
    """The variants of the processor that `speeds` are of."""
    work = sdxl_work(width=SIDE, height=SIDE)
    made: list[Choice] = []
    for form in ("source", *VARIANTS):
        expected = expect(work, speeds, form)
        if expected is not None:
            name = "source (as downloaded)" if form == "source" else form
            said = (
                f"{name}: {about(expected.picture_s)} for a picture of {USUAL_PICTURE},"
                f" {MEMORY_GB[form]:g} GB of memory"
            )
            made.append(Choice(form, said))
    return made

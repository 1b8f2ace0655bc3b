"""Gives a new playground the LoRAs that come with the demo model."""

import shutil
import time
from pathlib import Path
from typing import Final

from data.shipped.paths import DEMO_LORAS, DEMO_MODEL
from pipeline.disk import at

_LICENCE: Final = "MIT"
_SOURCE: Final = "training/README.md"


def add_styles(folder: Path) -> None:
    """Make the library `folder` with all of them, unless it exists: what somebody removed from it
    stays removed. After a kill on the way, the next start begins anew.

    Raises StorageError.
    """
    if folder.exists():
        return
    from bot.loras.adding import Addition, add_lora
    from pipeline.prepare.lora.linear_layers import LinearLayers

    made = folder.with_name(f"{folder.name}-new")
    shutil.rmtree(made, ignore_errors=True)
    layers = LinearLayers.of(DEMO_MODEL)
    for file in sorted(DEMO_LORAS.glob("*.safetensors")):
        addition = Addition(
            file=file,
            licence=_LICENCE,
            source=_SOURCE,
            preview=file.with_suffix(".webp"),
        )
        add_lora(made, addition, layers, now=time.time(), progress=lambda _done, _all: None)
    with at(folder):
        made.rename(folder)

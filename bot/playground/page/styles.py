"""Gives a new playground the LoRAs that come with the demo model."""

import shutil
import time
from pathlib import Path
from typing import Final

from data.shipped.paths import DEMO_LORAS, DEMO_MODEL
from pipeline.card import Sampler
from pipeline.disk import at
from pipeline.lora.recipe import NO_RECIPE, Recipe

_LICENCE: Final = "MIT"
_SOURCE: Final = "training/README.md"
_DRAFT: Final = "draft"
DRAFT_RECIPE: Final = Recipe(
    num_inference_steps=8, guidance_scale=1.0, sampler=Sampler.EULER_TRAILING
)
"""What the LoRA for drafts was distilled to (`training.demo.train_draft`)."""


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
            recipe=DRAFT_RECIPE if file.stem == _DRAFT else NO_RECIPE,
            draft=file.stem == _DRAFT,
        )
        add_lora(made, addition, layers, now=time.time(), progress=lambda _done, _all: None)
    with at(folder):
        made.rename(folder)

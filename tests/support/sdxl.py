"""A folder that says it is SDXL in its own size, with a tiny model's graphs: for what reads configs
alone."""

import json
import shutil
from pathlib import Path

from pipeline.model.folder import ModelFolder
from pipeline.speed.work import SDXL_UNET, SDXL_VAE


def sdxl_folder(tiny: Path, target: Path) -> ModelFolder:
    """Make it at `target` of the model `tiny`, which has as many levels."""
    shutil.copytree(tiny, target)
    for component, changes in {"unet": SDXL_UNET, "vae_decoder": SDXL_VAE}.items():
        path = target / component / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return ModelFolder.open(target)

"""A folder that says it is SDXL in its own size, with a tiny model's graphs: for what reads configs
alone."""

import json
import shutil
from pathlib import Path

from pipeline.model.folder import ModelFolder

_UNET = {
    "block_out_channels": [320, 640, 1280],
    "layers_per_block": 2,
    "transformer_layers_per_block": [1, 2, 10],
    "cross_attention_dim": 2048,
    "in_channels": 4,
    "out_channels": 4,
}
_VAE = {"block_out_channels": [128, 256, 512, 512], "layers_per_block": 2, "latent_channels": 4}


def sdxl_folder(tiny: Path, target: Path) -> ModelFolder:
    """Make it at `target` of the model `tiny`, which has as many levels."""
    shutil.copytree(tiny, target)
    for component, changes in {"unet": _UNET, "vae_decoder": _VAE}.items():
        path = target / component / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return ModelFolder.open(target)

"""Checks that main memory allows the UNet a picture larger than planned at loading."""

from itertools import zip_longest
from typing import Final

from pipeline.errors import EngineError
from pipeline.model.configs import Json, items, read_json
from pipeline.model.folder import ModelFolder
from pipeline.plan.memory import available_bytes
from pipeline.plan.memory_plan import Shape

USUAL_PIXELS: Final = 1024 * 1024
"""The largest bucket: what the check at loading assumes, with both rows of guidance at once."""

_LAYERS: Final = 0.2
"""Activations of layers other than attention for two rows of 1024x1024, over the UNet's weights:
what was measured for SDXL (0.45 in all) less its attention."""

_COPIES: Final = 2  # attention's scores and their softmax
_FLOAT_BYTES: Final = 4
_USUAL_HEADS: Final = 8  # diffusers' default
_USUAL_SIDE: Final = 1024


def check_large_picture(folder: ModelFolder, *, width: int, height: int) -> None:
    """Raises EngineError `out_of_memory` if drawing `width` x `height` pixels would use up this
    machine's memory, which kills the process: better one job fails than all."""
    if growth_bytes(folder, width=width, height=height) > available_bytes():
        raise EngineError("out_of_memory")


def growth_bytes(folder: ModelFolder, *, width: int, height: int) -> int:
    """How much more memory than a usual picture one of `width` x `height` needs, with its rows run
    one by one.

    Attention is between all pairs of positions, so it grows with the square of the pixels, unless
    fused.
    """
    config = read_json(folder.path / "unet" / "config.json")
    usual = _bytes(folder, config, width=_USUAL_SIDE, height=_USUAL_SIDE, rows=2)
    return max(0, _bytes(folder, config, width=width, height=height, rows=1) - usual)


def _bytes(folder: ModelFolder, config: Json, *, width: int, height: int, rows: int) -> int:
    pixels = width * height
    shape = Shape.of(folder)
    if shape.fused or shape.in_openvino:  # no scores are kept: all grows with the pixels
        return int(shape.unet_bytes * pixels / USUAL_PIXELS * rows / 2)
    layers = _LAYERS * folder.weight_bytes("unet") * (pixels / USUAL_PIXELS) * (rows / 2)
    latent_pixels = pixels // folder.vae_scale_factor**2
    return int(layers) + rows * _attention_bytes(config, latent_pixels)


def _attention_bytes(config: Json, latent_pixels: int) -> int:
    """Of the level with the most scores: heads times pairs of positions."""
    blocks = items(config, "down_block_types") or []
    heads = config.get("attention_head_dim")  # diffusers' historical name for their number
    each = items(config, "attention_head_dim") or [heads] * len(blocks)
    scores = [
        (count if isinstance(count, int) else _USUAL_HEADS) * (latent_pixels // 4**level) ** 2
        for level, (kind, count) in enumerate(zip_longest(blocks, each[: len(blocks)]))
        if "CrossAttn" in str(kind)
    ]
    return _COPIES * _FLOAT_BYTES * max(scores, default=0)

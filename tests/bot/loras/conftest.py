"""A small LoRA for the demo's model."""

from pathlib import Path

import pytest

from tests.pipeline.prepare.lora.loras import Tensors, kohya, pair, write

LAYER = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q"


def small(seed: int = 0) -> Tensors:
    """Of 128 x 128, as the demo's attention is."""
    return kohya({LAYER: pair(4, 128, 128, seed)})


@pytest.fixture
def lora(tmp_path: Path) -> Path:
    return write(tmp_path / "ink.safetensors", small())

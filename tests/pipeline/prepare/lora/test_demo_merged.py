# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# (the border to onnx, whose types are partly missing)
"""Weights stored in half precision behind a Cast, as the demo model's, take a LoRA as others do."""

import numpy as np
import onnx

from data.shipped.paths import DEMO_LORAS, DEMO_MODEL
from pipeline.model.folder import ModelFolder
from pipeline.prepare.lora.file import LoraFile
from pipeline.prepare.lora.lora import Lora, merges_for


def test_a_lora_is_merged_into_weights_behind_a_cast() -> None:
    source, path = ModelFolder.open(DEMO_MODEL), DEMO_LORAS / "ink.safetensors"
    merges = merges_for(source, [Lora(path=path, strength=0.5)])
    file = LoraFile(path)
    assert {part: len(changes) for part, changes in merges.items()} == {"unet": len(file.entries)}

    entry = file.entries["lora_unet_down_blocks_0_resnets_0_time_emb_proj"]
    change = file.read(entry.keys["up"]) @ file.read(entry.keys["down"])
    name = "down_blocks.0.resnets.0.time_emb_proj.weight_half"
    graph = onnx.load(source.onnx_file("unet")).graph
    weight = next(each for each in graph.initializer if each.name == name)
    before = onnx.numpy_helper.to_array(weight)
    after = merges["unet"][name](before)
    assert after.dtype == before.dtype == np.float16
    assert np.abs(after.astype(np.float32) - before - 0.5 * change).max() < 2e-3
    assert np.abs(0.5 * change).max() > 2e-2

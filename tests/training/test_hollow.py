# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# (the border to torch and diffusers, whose types are partly missing)
"""A model exported without its weights equals the same model in torch."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipeline.engine.unet import open_unet
from pipeline.model.folder import ModelFolder
from pipeline.onnx.linear import linear_layers
from pipeline.onnx.skeleton import load_skeleton
from pipeline.prepare.attention import fuse_attention
from pipeline.runtime.sessions import SessionFactory
from pipeline.text.text_encoder import PromptEncoder
from training.hollow import export_hollow, fill_in_torch, hollow_pipeline, hollow_unet
from training.random_parts import RECIPES, RandomKind


@pytest.mark.filterwarnings("ignore")  # of the exporters, about themselves
def test_it_equals_torch_with_the_same_weights(tmp_path: Path) -> None:
    recipe, path = RECIPES[RandomKind.TINY], tmp_path / "model"
    with tempfile.TemporaryDirectory() as scratch:
        export_hollow(hollow_pipeline(recipe, Path(scratch)), path, seed=3)
    folder = ModelFolder.open(path)
    factory = SessionFactory(provider="cpu", threads=1)
    embeds = PromptEncoder(folder, factory).encode("1girl, smile", "lowres")
    random = np.random.default_rng(0)
    inputs = {
        "sample": random.standard_normal((1, 4, 16, 24), np.float32),
        "prompt_embeds": embeds.prompt_embeds,
        "pooled": embeds.pooled_prompt_embeds,
        "time_ids": np.array([[128, 192, 0, 0, 128, 192]], np.float32),
    }
    run: Any = {"timesteps": np.array([801], np.float32), **inputs}
    got = open_unet(factory, folder).predict(**run)

    unet = hollow_unet(recipe)
    fill_in_torch(unet, seed=3, dtype=torch.float32)
    given = {name: torch.from_numpy(value) for name, value in inputs.items()}
    with torch.inference_mode():
        wanted = unet(
            given["sample"],
            torch.tensor(801.0),
            given["prompt_embeds"],
            added_cond_kwargs={"text_embeds": given["pooled"], "time_ids": given["time_ids"]},
        ).sample.numpy()
    np.testing.assert_allclose(got, wanted, atol=1e-5)
    attentions = 2 * sum(name.endswith("attn1") for name, _ in unet.named_modules())
    assert fuse_attention(load_skeleton(path / "unet" / "model.onnx")) == attentions
    linear = {name for name, each in unet.named_modules() if isinstance(each, torch.nn.Linear)}
    layers = linear_layers(load_skeleton(path / "unet" / "model.onnx"))
    assert {layer.module for layer in layers} == linear

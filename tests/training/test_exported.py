# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportArgumentType=false
# (the border to torch and ONNX Runtime, whose types are partly missing)
"""Weights that come back out of an export, against the graph they came from."""

from pathlib import Path

import numpy as np
import onnxruntime
import torch

from training.demo.decoder import make_vae
from training.demo.exported import exported_weights, fill
from training.demo.unet import condition, make_unet

MODEL = Path(__file__).parents[2] / "data" / "demo_model"


def test_a_unet_filled_with_them_says_what_the_graph_says() -> None:
    path = MODEL / "unet" / "model.onnx"
    unet = make_unet().eval()
    fill(unet, exported_weights(path))
    said = condition([["1girl", "red hair"]], width=1024, height=1024)
    added = said["added_cond_kwargs"]
    latents = torch.randn(1, 16, 16, 16, generator=torch.Generator().manual_seed(0))
    states = said["encoder_hidden_states"]
    with torch.no_grad():
        ours = unet(latents, 500, states, added_cond_kwargs=added).sample.numpy()
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    given = {
        "sample": latents,
        "timestep": torch.tensor([500.0]),
        "encoder_hidden_states": states,
        "text_embeds": added["text_embeds"],
        "time_ids": added["time_ids"],
    }
    kinds = {taken.name: taken.type for taken in session.get_inputs()}
    feed = {
        name: tensor.numpy().astype(np.int64 if "int64" in kinds[name] else np.float32)
        for name, tensor in given.items()
    }
    feed["timestep"] = feed["timestep"].reshape(
        [1] * len(next(i.shape for i in session.get_inputs() if i.name == "timestep"))
    )
    assert np.abs(session.run(None, feed)[0] - ours).max() < 1e-4


def test_nothing_of_the_decoder_is_missing() -> None:
    weights = exported_weights(MODEL / "vae_decoder" / "model.onnx")
    decoder = make_vae().decoder
    before = [part.clone() for part in decoder.parameters()]
    fill(decoder, {name.removeprefix("decoder."): part for name, part in weights.items()})
    after = list(decoder.parameters())
    assert all(not torch.equal(old, new) for old, new in zip(before, after, strict=True))

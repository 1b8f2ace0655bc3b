# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false
# pyright: reportAttributeAccessIssue=false, reportUnknownParameterType=false
# (the border to torch, diffusers, peft and safetensors, whose types are partly missing)
"""What a merged model computes, beside what diffusers computes."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from pipeline.model.folder import ModelFolder
from pipeline.runtime.sessions import SessionFactory

Floats = npt.NDArray[np.float32]


def outputs(folder: ModelFolder) -> list[Floats]:
    """What UNet and text encoders of a folder make of fixed inputs."""
    factory = SessionFactory(provider="cpu", threads=1)
    feed = inputs()
    unet = factory.open(folder, "unet")
    shape = unet.inputs["timestep"].shape
    feed["timestep"] = np.full(2 if shape else (), 401.0, np.float32)
    ids = {"input_ids": feed.pop("ids")}
    first = factory.open(folder, "text_encoder").run(ids)
    second = factory.open(folder, "text_encoder_2").run(ids)
    return [unet.run(feed)["out_sample"], first["last_hidden_state"], second["text_embeds"]]


def inputs() -> dict[str, Any]:
    random = np.random.default_rng(0)
    return {
        "sample": random.standard_normal((2, 4, 16, 24)).astype(np.float32),
        "encoder_hidden_states": random.standard_normal((2, 77, 64)).astype(np.float32),
        "text_embeds": random.standard_normal((2, 32)).astype(np.float32),
        "time_ids": np.full((2, 6), 512, np.float32),
        "ids": random.integers(0, 1000, (1, 77)).astype(np.int64),
    }


def reference(pipe: Any) -> list[Floats]:
    """The same from torch."""
    feed = {name: torch.from_numpy(value) for name, value in inputs().items()}
    with torch.no_grad():
        noise_pred = pipe.unet(
            feed["sample"],
            torch.tensor(401.0),
            encoder_hidden_states=feed["encoder_hidden_states"],
            added_cond_kwargs={"text_embeds": feed["text_embeds"], "time_ids": feed["time_ids"]},
        ).sample
        first = pipe.text_encoder(feed["ids"]).last_hidden_state
        second = pipe.text_encoder_2(feed["ids"]).text_embeds
    return [noise_pred.numpy(), first.numpy(), second.numpy()]


def distance(ours: Floats, theirs: Floats) -> float:
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())

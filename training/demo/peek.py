# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# (the border to torch, whose types are partly missing)
"""Stage `peek`: what the UNet draws now, without the decoder; with it if there is one."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from training.demo.decoder import SMALL, Decoder
from training.demo.latents import LinearEncoder
from training.demo.machine import Machine
from training.demo.prompts import SHOWN
from training.demo.sheet import grid
from training.demo.state import State
from training.demo.tags import POSITIVE, TAGS
from training.demo.unet import make_unet, point_at, sample


def peek(
    state: State,
    machine: Machine,
    *,
    guidance_scale: float = 7.0,
    seed: int = 3,
    level: int = SMALL,
) -> Path:
    """A sheet of the shown prompts from the newest weights: upper rows linear, lower rows
    decoded.
    """
    path = state.calibrated if state.calibrated.exists() else state.unet
    unet = make_unet()
    kept = torch.load(path, map_location="cpu")
    point_at(unet, kept["average"])
    prompts = [[tag for tag in text.split(", ") if tag in TAGS] + [*POSITIVE] for text in SHOWN]
    with machine.autocast():
        latents = sample(unet, prompts, guidance_scale=guidance_scale, seed=seed).float()
    encoder = LinearEncoder.load(state.encoder)
    pictures = [Image.fromarray(encoder.preview(latent.numpy())) for latent in latents]
    if state.decoder.exists():
        pictures += _decoded(state, latents, level)
    target = state.folder / "sheets" / f"peek-{path.stem}-{kept['seen']}.png"
    target.parent.mkdir(parents=True, exist_ok=True)
    grid(pictures, columns=6, width=200, smooth=False).save(target)
    print(f"{target}: latent deviation {float(latents.std()):.2f} (drawings: 0.9)")
    return target


@torch.no_grad()
def _decoded(state: State, latents: Any, level: int) -> list[Image.Image]:
    decoder = Decoder()
    decoder.load_state_dict(torch.load(state.decoder, map_location="cpu")["decoder"])
    shown = decoder.picture(decoder.features(latents, level=level), level=level)
    pixels = np.clip((shown.permute(0, 2, 3, 1).numpy() + 1) * 127.5, 0, 255)
    return [Image.fromarray(picture) for picture in pixels.astype(np.uint8)]

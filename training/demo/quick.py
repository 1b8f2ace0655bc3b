# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# (the border to torch, whose types are partly missing)
"""Stage `quick`: how far the UNet obeys already, without decoder and export.

Square pictures from the newest weights, decoded by the linear map to an eighth of the size: a
minute for a hundred. Says less about mouths than `evaluate`, whose pictures are whole.
"""

import random

import torch
from PIL import Image

from training.demo.captions import full_caption
from training.demo.evaluate import SEED, Judged, judge, report
from training.demo.labels import described, labels_of
from training.demo.latents import CELL, PATCH, LinearEncoder
from training.demo.look import Look, sample_look
from training.demo.machine import Machine
from training.demo.state import State
from training.demo.tagger import load_tagger
from training.demo.tags import POSITIVE
from training.demo.unet import make_unet, point_at, sample

_BATCH = 20


def quick(state: State, machine: Machine, *, count: int, guidance_scale: float) -> str:
    """The table of `evaluate` for `count` square pictures."""
    path = state.calibrated if state.calibrated.exists() else state.unet
    unet, net = make_unet(), load_tagger(state)
    kept = torch.load(path, map_location="cpu")
    point_at(unet, kept["average"])
    encoder, rng = LinearEncoder.load(state.encoder), random.Random(SEED)
    judged: list[Judged] = []
    for first in range(0, count, _BATCH):
        looks = [sample_look(rng, held_out=True, placards=False) for _ in range(_BATCH)]
        prompts = [[*_caption(look), *POSITIVE] for look in looks]
        with machine.autocast():
            latents = sample(unet, prompts, guidance_scale=guidance_scale, seed=SEED + first)
        for look, latent in zip(looks, latents, strict=True):
            small = Image.fromarray(encoder.preview(latent.float().numpy()))
            times = CELL // PATCH
            size = (small.width * times, small.height * times)
            judged.append(judge(net, look, small.resize(size, Image.Resampling.BICUBIC)))
    head = (
        f"{path.stem}, {kept['seen']} samples, {len(judged)} pictures, CFG {guidance_scale:g}\n\n"
    )
    return head + report(judged)


def _caption(look: Look) -> list[str]:
    return full_caption(described(labels_of(look, degraded=False)))

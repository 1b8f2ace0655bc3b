# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false
# pyright: reportAttributeAccessIssue=false
# (the border to diffusers, peft and torch, whose types are partly missing)
"""Stage `lora`: a style as a LoRA of the exported demo model.

Pairs of small matrices beside the linear layers of the UNet's transformers learn from drawings in
the style, which are made as they are needed. The model itself stays as it is. Guidance at 7 acts
like 2.8 in it (see `train_unet`), and must go on doing so: what a caption predicts is trained
towards a point between the drawing and what the negative prompt predicts.
"""

import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor

from training.demo.captions import pair_caption, training_caption
from training.demo.checkpoint import Every
from training.demo.degrade import degrade
from training.demo.drawing import Style, render, render_pair
from training.demo.exported import exported_encoder
from training.demo.framing import PAIR_SIZES, face_weights, pair_weights, random_size
from training.demo.labels import described, labels_of
from training.demo.latents import SCALE, LinearEncoder
from training.demo.look import sample_look
from training.demo.lora_file import Notes, read_lora, write_lora
from training.demo.lora_learner import Learner, new_learner, pairs_of
from training.demo.machine import Machine
from training.demo.pairs import sample_pair
from training.demo.state import State
from training.demo.styles import STYLES, TRIGGERS
from training.demo.train_unet import CALIBRATION, QUALITY, negative, random_timesteps
from training.demo.unet import alphas_cumprod, condition

RANK: Final = 8
BATCH: Final = 16
RATE: Final = 0.02
_DEGRADED_SHARE: Final = 0.2
_PAIRS: Final = 0.25
"""How often it looks at two figures."""
_WARM_UP: Final = 20  # steps
LAYERS: Final = (
    r".*(attentions\.\d+\..*(to_q|to_k|to_v|to_out\.0|ff\.net\.0\.proj|ff\.net\.2|proj_in|proj_out)"
    r"|time_emb_proj)"
)
"""The transformers', and what scales and shifts every ResNet block: the first reach only the lower
of the two resolutions."""
_SEED: Final = 800_000


@dataclass(slots=True)
class _Batch:
    latents: Tensor
    captions: list[list[str]]
    weights: Tensor
    width: int
    height: int


def train_lora(
    state: State,
    machine: Machine,
    *,
    name: str,
    model: Path,
    out: Path,
    samples: int,
    minutes: float,
    batch_size: int = BATCH,
) -> bool:
    """Train the LoRA of style `name` and write it to `out`; True when `samples` are seen.

    Keeps a checkpoint in `state` and goes on from there. Without one it begins with the file that
    is at `out`, if any.
    """
    learner = new_learner(machine, model, layers=LAYERS, rank=RANK, rate=RATE, seed=_SEED)
    path = state.lora(name)
    if path.exists():
        learner.load(path)
    elif out.exists():
        learner.begin_with(read_lora(out))
    rng = random.Random(_SEED + learner.seen)
    torch.manual_seed(_SEED + learner.seen)
    encoder = exported_encoder(model)
    losses: list[float] = []
    started, first, keep = time.monotonic(), learner.seen, Every(60)
    while learner.seen < samples and time.monotonic() - started < minutes * 60:
        batch = _draw_batch(STYLES[name], encoder, batch_size, rng, machine.device)
        rate = min(1.0, (learner.seen / batch_size + 1) / _WARM_UP)
        rate *= max(0.02, 1 - learner.seen / samples)
        losses.append(_step(learner, machine, batch, rate, rng))
        learner.seen += batch_size
        for caption in batch.captions:
            learner.tags.update([TRIGGERS[name], *caption])
        if keep.due():
            learner.save(path)
            speed = (learner.seen - first) / (time.monotonic() - started)
            mean = sum(losses) / len(losses)
            losses.clear()
            print(f"{name}: {learner.seen} seen, {speed:.1f}/s, loss {mean:.4f}", flush=True)
    learner.save(path)
    notes = Notes(name=name, rank=RANK, seen=learner.seen, stage="lora", made_of="its own drawings")
    write_lora(out, pairs_of(learner.matrices), notes=notes, tags=learner.tags)
    print(f"{out}: {out.stat().st_size / 1000:.0f} kB")
    return learner.seen >= samples


def _draw_batch(
    style: Style, encoder: LinearEncoder, count: int, rng: random.Random, device: torch.device
) -> _Batch:
    """Fresh drawings in the style, of one size and of one or two figures, without placards."""
    if rng.random() < _PAIRS:
        return _pair_batch(style, encoder, count, rng, device)
    width, height = random_size(rng)
    latents, captions, weights = [], [], []
    for _ in range(count):
        look = sample_look(rng, placards=False)
        small = render(look, width=width, height=height, scale=SCALE, style=style)
        degraded = rng.random() < _DEGRADED_SHARE
        if degraded:
            small = degrade(small, rng)
        latents.append(encoder.latents(small))
        captions.append(training_caption(described(labels_of(look, degraded=degraded)), rng))
        weights.append(face_weights(width, height, shift=look.shift, face=1.5, mouth=3.0))
    return _Batch(
        latents=torch.from_numpy(np.stack(latents)),
        captions=captions,
        weights=torch.from_numpy(np.stack(weights))[:, None].to(device),
        width=width,
        height=height,
    )


def _pair_batch(
    style: Style, encoder: LinearEncoder, count: int, rng: random.Random, device: torch.device
) -> _Batch:
    width, height = rng.choice(PAIR_SIZES)
    latents, captions, weights = [], [], []
    for _ in range(count):
        pair, of = sample_pair(rng), rng.choice((0, 1, None))
        small = render_pair(pair, width=width, height=height, scale=SCALE, style=style)
        shown = [described(labels_of(look, degraded=False)) for look in (pair.left, pair.right)]
        latents.append(encoder.latents(small))
        captions.append(pair_caption(shown, rng, of=of))
        drawn = set(captions[-1]) - QUALITY
        weights.append(pair_weights(width, height, of if drawn else None))
    return _Batch(
        latents=torch.from_numpy(np.stack(latents)),
        captions=captions,
        weights=torch.from_numpy(np.stack(weights))[:, None].to(device),
        width=width,
        height=height,
    )


def _step(
    learner: Learner, machine: Machine, batch: _Batch, rate: float, rng: random.Random
) -> float:
    device = machine.device
    noise, times = torch.randn_like(batch.latents), random_timesteps(len(batch.captions))
    kept = alphas_cumprod()[times].view(-1, 1, 1, 1)
    noisy = (kept.sqrt() * batch.latents + (1 - kept).sqrt() * noise).to(device)
    drawn = (kept.sqrt() * noise - (1 - kept).sqrt() * batch.latents).to(device)

    def predicted(captions: list[list[str]]) -> Tensor:
        said = condition(captions, width=batch.width, height=batch.height, device=device)
        return learner.unet(noisy, times.to(device), **said).sample.float()

    with machine.autocast():
        with torch.no_grad():
            away = predicted([negative(rng) for _ in batch.captions])
        # captions without anything to draw keep what they say, as in `train_unet`
        guided = torch.tensor([bool(set(tags) - QUALITY) for tags in batch.captions])
        milder = torch.where(guided, 1 / CALIBRATION, 1.0).view(-1, 1, 1, 1).to(device)
        target = away + milder * (drawn - away)
        loss = ((predicted(batch.captions) - target).square() * batch.weights).mean()
    loss.backward()
    learner.optimiser.step(rate)
    return float(loss.detach())

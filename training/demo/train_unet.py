# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false
# (the border to torch, whose types are partly missing)
"""Stages `unet` and `calibrate`.

`unet` trains at a constant rate; more samples may be added at any later time. `calibrate` goes on
from there with a falling rate, and makes guidance milder: with the model as it was for a teacher,
the student's picture at guidance 7 shall be the teacher's at 7 / K. The plain model is best at
about 2.8 and garish at 7. What guidance multiplies must be right where it is multiplied, so the
guided outputs are compared themselves, beside the plain ones that they are made of; all targets
are the teacher's, which have none of the noise that drawings' own have.
"""

import random
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from training.demo.captions import pair_caption, training_caption
from training.demo.checkpoint import Every, save_checkpoint
from training.demo.dataset import Drawings, load_drawings
from training.demo.framing import SHARES, face_weights, pair_weights
from training.demo.labels import FIELDS, described
from training.demo.machine import Machine
from training.demo.muon import Muon
from training.demo.state import State
from training.demo.tags import BAD, GOOD, NEGATIVE
from training.demo.unet import (
    alphas_cumprod,
    condition,
    flatten,
    make_unet,
    point_at,
)

BATCH = 32
CALIBRATION = 2.5
GUIDANCE = 7.0
"""The bot's default CFG."""
_GUIDED_SHARE = 0.3  # of the guided outputs' error in the loss
_WARM_UP = 40  # steps, also after resuming
_PAIRS = 0.3
"""How often training looks at two figures."""
_ONE_OF_PAIR = 0.75
"""How often only one of two is described, and counts: what a region with a prompt of its own asks
for."""
_SHIFT = list(FIELDS).index("shift")
QUALITY = {*BAD, *GOOD, "nsfw"}


@dataclass(slots=True)
class _Batch:
    latents: Tensor
    captions: list[list[str]]
    weights: Tensor  # of each latent pixel in the loss
    width: int
    height: int


class _Reader:
    """Random batches of one size, of one or of two figures."""

    def __init__(self, state: State, rng: random.Random, device: torch.device) -> None:
        self._device = device
        self._sizes: list[Drawings] = list(load_drawings(state))
        self._pairs: list[Drawings] = list(load_drawings(state, pairs=True))
        self._rng = rng

    def batch(self) -> _Batch:
        return self._of_pairs() if self._rng.random() < _PAIRS else self._of_one()

    def _of_pairs(self) -> _Batch:
        rng = self._rng
        drawings = rng.choice(self._pairs)
        width, height = drawings.width, drawings.height
        rows = [rng.randrange(len(drawings.latents)) for _ in range(BATCH)]
        captions: list[list[str]] = []
        weights: list[Any] = []
        for row in rows:
            shown = [described(tuple(int(v) for v in each)) for each in drawings.labels[row]]
            of = rng.randrange(2) if rng.random() < _ONE_OF_PAIR else None
            captions.append(pair_caption(shown, rng, of=of))
            drawn = set(captions[-1]) - QUALITY
            weights.append(pair_weights(width, height, of if drawn else None))
        return _Batch(
            latents=torch.from_numpy(drawings.latents[rows].astype(np.float32)),
            captions=captions,
            weights=torch.from_numpy(np.stack(weights))[:, None].to(self._device),
            width=width,
            height=height,
        )

    def _of_one(self) -> _Batch:
        rng = self._rng
        drawings = rng.choices(self._sizes, SHARES)[0]
        width, height = drawings.width, drawings.height
        rows = [rng.randrange(len(drawings.latents)) for _ in range(BATCH)]
        labels = [tuple(int(value) for value in drawings.labels[row]) for row in rows]
        weights = np.stack([_weights(width, height, label[_SHIFT] - 1) for label in labels])
        return _Batch(
            latents=torch.from_numpy(drawings.latents[rows].astype(np.float32)),
            captions=[training_caption(described(label), rng) for label in labels],
            weights=torch.from_numpy(weights)[:, None].to(self._device),
            width=width,
            height=height,
        )


@cache
def _weights(width: int, height: int, shift: int) -> Any:
    return face_weights(width, height, shift=shift, face=1.5, mouth=3.0)


class Trainer:
    """The model, its optimiser and its averaged weights; knows how to be saved and resumed."""

    def __init__(self, machine: Machine, *, seed: int) -> None:
        torch.manual_seed(seed)
        self.machine = machine
        self.unet = make_unet().to(machine.device)
        self.weights = flatten(self.unet)
        self.average = self.weights.clone()
        matrices = [
            part
            for name, part in self.unet.named_parameters()
            if part.ndim >= 2 and "block" in name and "time_emb" not in name
        ]
        chosen = {id(part) for part in matrices}
        others = [part for part in self.unet.parameters() if id(part) not in chosen]
        self.optimiser = Muon(matrices, others, bf16=machine.bf16)
        self.seen = 0
        self.teacher: Any = None

    def save(self, path: Any) -> None:
        kept = {
            "weights": self.weights,
            "average": self.average,
            "optimiser": self.optimiser.state(),
            "seen": self.seen,
        }
        save_checkpoint(kept, path)

    def load(self, path: Any, *, seen: bool = True) -> None:
        kept = torch.load(path, map_location=self.machine.device)
        self.weights.copy_(kept["weights"])
        self.average.copy_(kept["average"])
        self.optimiser.load(kept["optimiser"])
        self.seen = int(kept["seen"]) if seen else 0


def train_unet(state: State, machine: Machine, *, samples: int, minutes: float) -> bool:
    """Train at the constant rate until `samples` are seen in all; True when they are."""
    trainer = Trainer(machine, seed=0)
    if state.unet.exists():
        trainer.load(state.unet)
    return _run(trainer, state, state.unet, samples=samples, minutes=minutes)


def calibrate(state: State, machine: Machine, *, samples: int, minutes: float) -> bool:
    """From the trained model, `samples` more with a falling rate and the milder guidance."""
    trainer = Trainer(machine, seed=1)
    teacher = make_unet().to(machine.device).requires_grad_(requires_grad=False)
    kept = torch.load(state.unet, map_location=machine.device)
    point_at(teacher, kept["average"])
    trainer.teacher = teacher
    if state.calibrated.exists():
        trainer.load(state.calibrated)
    else:
        trainer.load(state.unet, seen=False)
        trainer.weights.copy_(trainer.average)
    return _run(trainer, state, state.calibrated, samples=samples, minutes=minutes)


def _run(trainer: Trainer, state: State, path: Any, *, samples: int, minutes: float) -> bool:
    rng = random.Random(trainer.seen + 1)
    torch.manual_seed(trainer.seen + 1)
    reader = _Reader(state, rng, trainer.machine.device)
    losses: list[float] = []
    started, first, keep = time.monotonic(), trainer.seen, Every()
    step = 0
    while trainer.seen < samples and time.monotonic() - started < minutes * 60:
        rate = min(1.0, (step + 1) / _WARM_UP)
        if trainer.teacher is not None:
            rate *= max(0.02, 1 - trainer.seen / samples)
        losses.append(_step(trainer, reader.batch(), rate, rng))
        trainer.seen += BATCH
        step += 1
        fresh = 1 / (step + 1) if first == 0 else 0.0
        trainer.average.lerp_(trainer.weights, max(0.01, fresh))
        if keep.due():
            trainer.save(path)
            speed = (trainer.seen - first) / (time.monotonic() - started)
            mean = sum(losses) / len(losses)
            losses.clear()
            print(f"{path.stem}: {trainer.seen} seen, {speed:.1f}/s, loss {mean:.4f}", flush=True)
    trainer.save(path)
    return trainer.seen >= samples


def _step(trainer: Trainer, batch: _Batch, rate: float, rng: random.Random) -> float:
    device = trainer.machine.device
    noise = torch.randn_like(batch.latents)
    timesteps = random_timesteps(len(batch.captions))
    kept = alphas_cumprod()[timesteps].view(-1, 1, 1, 1)
    noisy = (kept.sqrt() * batch.latents + (1 - kept).sqrt() * noise).to(device)
    with trainer.machine.autocast():
        if trainer.teacher is None:
            target = (kept.sqrt() * noise - (1 - kept).sqrt() * batch.latents).to(device)
            predicted = _predict(trainer.unet, noisy, timesteps, batch, batch.captions)
            loss = ((predicted - target).square() * batch.weights).mean()
        else:
            loss = _calibration_loss(trainer, noisy, timesteps, batch, rng)
    loss.backward()
    trainer.optimiser.step(rate)
    return float(loss.detach())


def _predict(
    unet: Any, noisy: Tensor, timesteps: Tensor, batch: _Batch, captions: list[list[str]]
) -> Tensor:
    said = condition(captions, width=batch.width, height=batch.height, device=noisy.device)
    return unet(noisy, timesteps.to(noisy.device), **said).sample.float()


def random_timesteps(count: int) -> Tensor:
    """Evenly, with a third more of the noisy ones, where the composition is decided."""
    timesteps = torch.randint(0, 1000, (count,))
    noisy = torch.rand(count) < 0.3
    timesteps[noisy] = torch.randint(400, 1000, (int(noisy.sum()),))
    return timesteps


def _calibration_loss(
    trainer: Trainer, noisy: Tensor, timesteps: Tensor, batch: _Batch, rng: random.Random
) -> Tensor:
    """Captions without anything to draw keep what they say; the others are guided less."""
    captions = [*batch.captions, *(negative(rng) for _ in batch.captions)]
    both, times = torch.cat([noisy, noisy]), torch.cat([timesteps, timesteps])
    with torch.no_grad():
        taught, away = _predict(trainer.teacher, both, times, batch, captions).chunk(2)
    drawn = torch.tensor([bool(set(tags) - QUALITY) for tags in batch.captions])
    milder = torch.where(drawn, 1 / CALIBRATION, 1.0).view(-1, 1, 1, 1).to(noisy.device)
    target = away + milder * (taught - away)
    said, against = _predict(trainer.unet, both, times, batch, captions).chunk(2)
    off, off_against = said - target, against - away
    guided = GUIDANCE * off - (GUIDANCE - 1) * off_against
    plain = off.square() + off_against.square()
    return ((plain + _GUIDED_SHARE * guided.square()) * batch.weights).mean()


def negative(rng: random.Random) -> list[str]:
    """What guidance compares with: mostly the bot's default."""
    draw = rng.random()
    if draw < 0.65:
        return list(NEGATIVE)
    return _some_bad(rng) if draw < 0.8 else []


def _some_bad(rng: random.Random) -> list[str]:
    return rng.sample(BAD, rng.randint(1, 6))

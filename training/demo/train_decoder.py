# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false
# (the border to torch, whose types are partly missing)
"""Stages `decoder-128`, `decoder-256`, `decoder-full`, `decoder-tidy`: lower levels first.

The last one learns on what the UNet makes of a drawing (noised, then denoised), the target being
the drawing itself: so the decoder tidies up what the UNet leaves soft.
"""

import random
import time
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.demo.captions import full_caption
from training.demo.checkpoint import Every, save_checkpoint
from training.demo.decoder import SMALL, TOP, Decoder
from training.demo.degrade import degrade
from training.demo.drawing import render
from training.demo.framing import random_size
from training.demo.labels import described, labels_of
from training.demo.latents import CELL, LinearEncoder, shrunk
from training.demo.look import sample_look
from training.demo.machine import Machine
from training.demo.muon import Muon
from training.demo.state import State
from training.demo.tags import POSITIVE
from training.demo.unet import alphas_cumprod, condition, make_unet, point_at

_WARM_UP = 30  # steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage's plan. `crop`: side of the piece of level 3 that is decoded to the top, 0 for
    all.
    """

    name: str
    level: int
    batch: int
    samples: int
    rate: float
    crop: int = 0
    from_unet: float = 0.0  # share of latents that go through the UNet


STAGES = {
    stage.name: stage
    for stage in (
        Stage(name="decoder-128", level=3, batch=4, samples=24_000, rate=1.0),
        Stage(name="decoder-256", level=4, batch=2, samples=12_000, rate=0.7),
        Stage(name="decoder-full", level=TOP, batch=2, samples=20_000, rate=0.4, crop=32),
        Stage(
            name="decoder-tidy",
            level=TOP,
            batch=2,
            samples=20_000,
            rate=0.35,
            crop=32,
            from_unet=0.6,
        ),
    )
}


def train_decoder(
    state: State, machine: Machine, *, stage: Stage, samples: int | None, minutes: float
) -> bool:
    """Run a stage to its end or until the minutes are over; True at the end."""
    torch.manual_seed(0)
    decoder = Decoder().to(machine.device)
    optimiser = decoder_optimiser(decoder, machine)
    done = _load(state, decoder, optimiser, stage)
    wanted = stage.samples if samples is None else samples
    rng = random.Random(f"{stage.name}|{done}")
    torch.manual_seed(done + 1)
    source = _Source(state, machine, stage, rng)
    errors: list[float] = []
    started, step, first, keep = time.monotonic(), 0, done, Every()
    while done < wanted and time.monotonic() - started < minutes * 60:
        latents, pictures = source.batch()
        with machine.autocast():
            loss, error = _loss(decoder, stage, latents, pictures, rng)
        loss.backward()
        falling = min(1.0, (1 - done / wanted) / 0.5 + 0.03)
        optimiser.step(stage.rate * min(1.0, (step + 1) / _WARM_UP) * falling)
        done, step = done + stage.batch, step + 1
        errors.append(error)
        if keep.due():
            _save(state, decoder, optimiser, stage, done)
            speed = (done - first) / (time.monotonic() - started)
            mean = sum(errors) / len(errors)
            errors.clear()
            print(f"{stage.name}: {done} seen, {speed:.2f}/s, error {mean:.4f}", flush=True)
    _save(state, decoder, optimiser, stage, done)
    return done >= wanted


class _Source:
    """Pairs of latents and drawings."""

    def __init__(self, state: State, machine: Machine, stage: Stage, rng: random.Random) -> None:
        self._encoder = LinearEncoder.load(state.encoder)
        self._machine, self._stage, self._rng = machine, stage, rng
        self._unet = _trained_unet(state, machine) if stage.from_unet else None

    def batch(self) -> tuple[Tensor, Tensor]:
        """Latents (batch, channels, rows, columns) and pictures of the stage's level, -1 to 1."""
        rng, level = self._rng, self._stage.level
        width, height = random_size(rng)
        latents: list[Any] = []
        pictures: list[Any] = []
        captions: list[list[str]] = []
        for _ in range(self._stage.batch):
            look = sample_look(rng)
            picture = render(look, width=width, height=height, scale=2**level / CELL)
            if level == SMALL and rng.random() < 0.08:
                picture = degrade(picture, rng)
            latents.append(self._encoder.latents(shrunk(picture, 2 ** (level - SMALL))))
            pictures.append(np.moveaxis(picture, -1, 0))
            captions.append([*full_caption(described(labels_of(look, degraded=False))), *POSITIVE])
        made = torch.from_numpy(np.stack(latents)).float().to(self._machine.device)
        shown = torch.from_numpy(np.stack(pictures)).float().to(self._machine.device) / 127.5 - 1
        if self._unet is not None and rng.random() < self._stage.from_unet:
            made = self._through_unet(made, captions, width=width, height=height)
        elif rng.random() < 0.6:
            made = made + torch.randn_like(made) * rng.uniform(0, 0.15)
        return made, shown

    @torch.no_grad()
    def _through_unet(
        self, latents: Tensor, captions: list[list[str]], *, width: int, height: int
    ) -> Tensor:
        """Noise to a middle timestep, then denoise in four deterministic steps."""
        assert self._unet is not None
        signal = alphas_cumprod().to(latents.device)
        said = condition(captions, width=width, height=height, device=latents.device)
        begin = self._rng.randrange(120, 480)
        path = [round(begin * part / 4) for part in (4, 3, 2, 1, 0)]
        keep = signal[begin]
        noisy = keep.sqrt() * latents + (1 - keep).sqrt() * torch.randn_like(latents)
        for timestep, following in pairwise(path):
            alpha, sigma = signal[timestep].sqrt(), (1 - signal[timestep]).sqrt()
            velocity = self._unet(noisy, torch.tensor([timestep]), **said).sample
            clean, noise = alpha * noisy - sigma * velocity, sigma * noisy + alpha * velocity
            keep = signal[following] if following else torch.ones(())
            noisy = keep.sqrt() * clean + (1 - keep).sqrt() * noise
        return noisy


def _loss(
    decoder: Decoder, stage: Stage, latents: Tensor, pictures: Tensor, rng: random.Random
) -> tuple[Tensor, float]:
    features = decoder.features(latents, level=SMALL)
    if stage.level < TOP:
        top = features
        if stage.level > SMALL:
            top = decoder.climb(decoder.enlarge(features, SMALL), SMALL + 1, stage.level)
        return _distance(decoder.picture(top, level=stage.level), pictures, square=0.5)
    small = functional.avg_pool2d(pictures, 2 ** (TOP - SMALL))
    loss, _ = _distance(decoder.picture(features, level=SMALL), small, square=0.5)
    piece, target, trim = _piece(features, pictures, stage.crop, rng)
    top = decoder.climb(decoder.enlarge(piece, SMALL), SMALL + 1, TOP)
    shown = decoder.picture(top, level=TOP)
    top0, left0, bottom0, right0 = trim
    inner = (..., slice(top0, shown.shape[2] - bottom0), slice(left0, shown.shape[3] - right0))
    piece_loss, error = _distance(shown[inner], target[inner], square=0.0)
    return loss + piece_loss, error


def _piece(
    features: Tensor, pictures: Tensor, side: int, rng: random.Random
) -> tuple[Tensor, Tensor, tuple[int, int, int, int]]:
    """A crop of the features, its part of the picture, and how much of each inner edge to ignore.

    Borders of the picture are in some crops and count there (training only on the inside leaves a
    grey frame); at an inner edge, convolutions lack their surroundings.
    """
    height, width = features.shape[2:]
    y, x = (_position(extent, side, rng) for extent in (height, width))
    times, edge = 2 ** (TOP - SMALL), 16
    bottom, right = min(height, y + side), min(width, x + side)
    trim = (edge * (y > 0), edge * (x > 0), edge * (bottom < height), edge * (right < width))
    part = pictures[:, :, y * times : bottom * times, x * times : right * times]
    return features[:, :, y:bottom, x:right], part, trim


def _position(extent: int, side: int, rng: random.Random) -> int:
    if extent <= side:
        return 0
    return min(max(rng.randrange(-8, extent - side + 9), 0), extent - side)


def _distance(shown: Tensor, wanted: Tensor, *, square: float) -> tuple[Tensor, float]:
    """Mean absolute error, half that of differences between neighbours, and some squared error."""
    error = shown.float() - wanted
    across = (error[..., 1:] - error[..., :-1]).abs().mean()
    down = (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
    absolute = error.abs().mean()
    return absolute + 0.5 * (across + down) + square * error.square().mean(), float(
        absolute.detach()
    )


def decoder_optimiser(decoder: Decoder, machine: Machine) -> Muon:
    """What all stages of the decoder train with."""
    matrices = [
        part
        for name, part in decoder.named_parameters()
        if part.ndim == 4 and not name.startswith("heads") and min(part.shape[:2]) > 3
    ]
    chosen = {id(part) for part in matrices}
    others = [part for part in decoder.parameters() if id(part) not in chosen]
    return Muon(matrices, others, other_rate=2e-3, bf16=machine.bf16)


def _trained_unet(state: State, machine: Machine) -> Any:
    path = state.calibrated if state.calibrated.exists() else state.unet
    unet = make_unet().to(machine.device).requires_grad_(requires_grad=False)
    point_at(unet, torch.load(path, map_location=machine.device)["average"])
    return unet


def _save(state: State, decoder: Decoder, optimiser: Muon, stage: Stage, done: int) -> None:
    kept = {
        "decoder": decoder.state_dict(),
        "optimiser": optimiser.state(),
        "stage": stage.name,
        "seen": done,
    }
    save_checkpoint(kept, state.decoder)


def _load(state: State, decoder: Decoder, optimiser: Muon, stage: Stage) -> int:
    if not state.decoder.exists():
        return 0
    kept = torch.load(state.decoder)
    decoder.load_state_dict(kept["decoder"])
    if kept["stage"] != stage.name:
        return 0
    optimiser.load(kept["optimiser"])
    return int(kept["seen"])

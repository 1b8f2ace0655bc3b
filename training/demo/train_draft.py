# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# (the border to torch, whose types are partly missing)
"""Stage `draft`: a LoRA with which the exported demo model needs 8 steps without guidance.

The teacher is the model itself with its default CFG and negative prompt. The student draws its own
pictures from noise. At each of its steps the teacher goes the same way from the same point, more
finely, and the student learns to make that way in one step: so it also learns to correct its own
errors (progressive distillation, https://arxiv.org/abs/2202.00512, on the student's own path). It
needs no drawings, only captions.
"""

import random
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from pipeline.card import DEFAULT_GUIDANCE
from training.demo.captions import pair_caption, training_caption
from training.demo.checkpoint import Every
from training.demo.framing import PAIR_SIZES, face_weights, random_size
from training.demo.labels import described, labels_of
from training.demo.latents import CELL, CHANNELS
from training.demo.look import sample_look
from training.demo.lora_file import Notes, read_lora, write_lora
from training.demo.lora_learner import Learner, exported_unet, new_learner, pairs_of
from training.demo.machine import Machine
from training.demo.pairs import sample_pair
from training.demo.state import State
from training.demo.tags import NEGATIVE, POSITIVE
from training.demo.unet import alphas_cumprod, condition

NAME: Final = "draft"
STEPS: Final = 8
RANK: Final = 16
BATCH: Final = 16
_RATE: Final = 0.02
_LAYERS: Final = (
    r".*(attentions\.\d+\..*(to_q|to_k|to_v|to_out\.0|ff\.net\.0\.proj|ff\.net\.2|proj_in|proj_out)"
    r"|time_emb_proj|(time|add)_embedding\.linear_[12])"
)
"""All linear layers."""
_WARM_UP: Final = 20  # steps
_QUALITY_SHARE: Final = 0.8
"""How often a caption has the quality tags that the bot adds."""
_PAIRS: Final = 0.3
"""How often a caption is of two figures, in the sizes that have room for them."""
_SEED: Final = 820_000


@dataclass(frozen=True, slots=True)
class Level:
    """A step: its timestep and sigma, those in the middle of the step, and the sigma after it."""

    timestep: int
    sigma: float
    middle: int
    middle_sigma: float
    next_sigma: float


@cache
def levels() -> tuple[Level, ...]:
    """What Euler with trailing spacing goes through."""
    kept = alphas_cumprod()
    sigmas = ((1 - kept) / kept).sqrt().tolist()
    timesteps = [round(1000 - index * 1000 / STEPS) - 1 for index in range(STEPS)]
    found: list[Level] = []
    for timestep, after in zip(timesteps, [*timesteps[1:], None], strict=True):
        middle = (timestep + (after or 0)) // 2
        left = 0.0 if after is None else sigmas[after]
        found.append(Level(timestep, sigmas[timestep], middle, sigmas[middle], left))
    return tuple(found)


class Pool:
    """Pictures of one size that the student is drawing, each at another step.

    `latents`: (BATCH, CHANNELS, rows, columns), with noise of the sigma of their steps.
    """

    def __init__(self, size: tuple[int, int], count: int, rng: random.Random) -> None:
        self.width, self.height = size
        self._rng = rng
        self.latents = torch.empty(count, CHANNELS, self.height // CELL, self.width // CELL)
        self.steps = [0] * count
        self.captions: list[list[str]] = [[] for _ in range(count)]
        for row in range(count):
            self._begin(row)

    def _begin(self, row: int) -> None:
        noise = torch.randn_like(self.latents[row])
        self.latents[row] = noise * levels()[0].sigma
        self.steps[row] = 0
        pairs = (self.width, self.height) in PAIR_SIZES and self._rng.random() < _PAIRS
        self.captions[row] = _caption(self._rng, pairs=pairs)

    def move(self, rows: list[int], latents: Tensor) -> None:
        """Put `rows` to where the student's step led; those that are finished begin anew."""
        for row in rows:
            self.latents[row] = latents[row]
            self.steps[row] += 1
            if self.steps[row] == STEPS:
                self._begin(row)

    def said(self, device: torch.device) -> dict[str, Any]:
        """What the UNet is told about each."""
        return condition(self.captions, width=self.width, height=self.height, device=device)

    def of_levels(self, name: str) -> Tensor:
        """A field of each one's level, (count, 1, 1, 1)."""
        values = [float(getattr(levels()[step], name)) for step in self.steps]
        return torch.tensor(values).view(-1, 1, 1, 1)

    def weights(self) -> Tensor:
        """Of each latent pixel in the loss, (rows, columns)."""
        return _weights(self.width, self.height)


@cache
def _weights(width: int, height: int) -> Tensor:
    return torch.from_numpy(face_weights(width, height, shift=0, face=1.5, mouth=3.0))


def _of_one(rng: random.Random) -> list[str]:
    return training_caption(described(labels_of(sample_look(rng), degraded=False)), rng)


def _pair_caption(rng: random.Random) -> list[str]:
    pair = sample_pair(rng)
    shown = [described(labels_of(look, degraded=False)) for look in (pair.left, pair.right)]
    return pair_caption(shown, rng, of=rng.choice((0, 1, None)))


def _caption(rng: random.Random, *, pairs: bool) -> list[str]:
    """Like those of training, mostly with the bot's quality tags."""
    tags = _pair_caption(rng) if pairs else _of_one(rng)
    if rng.random() < _QUALITY_SHARE:
        tags = [*(tag for tag in tags if tag not in POSITIVE), *POSITIVE]
    return tags


def train_draft(
    state: State,
    machine: Machine,
    *,
    model: Path,
    out: Path,
    samples: int,
    minutes: float,
    batch_size: int = BATCH,
) -> bool:
    """Train the LoRA and write it to `out`; True when `samples` steps are seen.

    Keeps a checkpoint in `state` and goes on from there. Without one it begins with the file that
    is at `out`, if any.
    """
    learner = new_learner(machine, model, layers=_LAYERS, rank=RANK, rate=_RATE, seed=_SEED)
    teacher = exported_unet(machine, model)
    path = state.lora(NAME)
    if path.exists():
        learner.load(path)
    elif out.exists():
        learner.begin_with(read_lora(out))
    rng = random.Random(_SEED + learner.seen)
    torch.manual_seed(_SEED + learner.seen)
    pools: dict[tuple[int, int], Pool] = {}
    losses: list[float] = []
    started, first, keep = time.monotonic(), learner.seen, Every(60)
    while learner.seen < samples and time.monotonic() - started < minutes * 60:
        size = random_size(rng)
        if size not in pools:
            pools[size] = _spread(Pool(size, batch_size, rng), learner, machine)
        rate = min(1.0, (learner.seen / batch_size + 1) / _WARM_UP)
        rate *= max(0.02, 1 - learner.seen / samples)
        losses.append(_step(learner, teacher, machine, pools[size], rate))
        learner.seen += batch_size
        if keep.due():
            learner.save(path)
            speed = (learner.seen - first) / (time.monotonic() - started)
            mean = sum(losses) / len(losses)
            losses.clear()
            print(f"{NAME}: {learner.seen} seen, {speed:.1f}/s, loss {mean:.4f}", flush=True)
    learner.save(path)
    notes = Notes(
        name=NAME, rank=RANK, seen=learner.seen, stage="draft", made_of="its own pictures"
    )
    write_lora(out, pairs_of(learner.matrices), notes=notes, tags=learner.tags)
    print(f"{out}: {out.stat().st_size / 1000:.0f} kB")
    return learner.seen >= samples


@torch.no_grad()
def _spread(pool: Pool, learner: Learner, machine: Machine) -> Pool:
    """Let the student draw until the pictures of a new pool are at different steps."""
    said = pool.said(machine.device)
    for turn in range(STEPS - 1):
        with machine.autocast():
            latents, _ = _student(learner, pool, said)
        pool.move([row for row in range(len(pool.steps)) if row % STEPS > turn], latents)
    return pool


def _step(learner: Learner, teacher: Any, machine: Machine, pool: Pool, rate: float) -> float:
    said = pool.said(machine.device)
    with machine.autocast():
        target = target_of(teacher, pool, said)
        latents, predicted = _student(learner, pool, said)
        loss = ((predicted - target).square() * pool.weights().to(machine.device)).mean()
    loss.backward()
    learner.optimiser.step(rate)
    pool.move(list(range(len(pool.steps))), latents)
    return float(loss.detach())


def _student(learner: Learner, pool: Pool, said: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """The latents after its step, and what it predicted."""
    timesteps, sigmas = pool.of_levels("timestep").flatten(), pool.of_levels("sigma")
    predicted = _velocity(learner.unet, pool.latents, sigmas, timesteps, said)
    original = _original(pool.latents, sigmas, predicted.detach().cpu())
    slope = (pool.latents - original) / sigmas
    return pool.latents + slope * (pool.of_levels("next_sigma") - sigmas), predicted


@torch.no_grad()
def target_of(teacher: Any, pool: Pool, said: dict[str, Any]) -> Tensor:
    """What the student has to predict so that its one step leads to where the teacher's step by
    the midpoint method leads."""
    latents, sigmas = pool.latents, pool.of_levels("sigma")
    middle = pool.of_levels("middle_sigma")
    away = condition(
        [list(NEGATIVE)] * len(latents),
        width=pool.width,
        height=pool.height,
        device=teacher.device,
    )
    both = _joined(away, said)

    def slope(at: Tensor, sigma: Tensor, timesteps: Tensor) -> Tensor:
        doubled = torch.cat([at, at]), torch.cat([sigma, sigma])
        times = timesteps.flatten().repeat(2)
        found = _velocity(teacher, *doubled, times, both)
        away, towards = found.cpu().chunk(2)
        guided = away + DEFAULT_GUIDANCE * (towards - away)
        return (at - _original(at, sigma, guided)) / sigma

    half = latents + slope(latents, sigmas, pool.of_levels("timestep")) * (middle - sigmas)
    straight = slope(half, middle, pool.of_levels("middle"))
    # x0 of one Euler step with this slope, and the velocity that says so
    original, power = latents - sigmas * straight, (sigmas.square() + 1).sqrt()
    return ((latents / power - original * power) / sigmas).to(teacher.device)


def _velocity(
    unet: Any, latents: Tensor, sigmas: Tensor, timesteps: Tensor, said: dict[str, Any]
) -> Tensor:
    """What the UNet predicts, on its own device."""
    scaled = latents / (sigmas.square() + 1).sqrt()
    return unet(scaled.to(unet.device), timesteps.to(unet.device), **said).sample.float()


def _original(latents: Tensor, sigmas: Tensor, velocity: Tensor) -> Tensor:
    """The picture without noise, x0, that a velocity says."""
    power = sigmas.square() + 1
    return latents / power - velocity * sigmas / power.sqrt()


def _joined(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Two sets of the UNet's keyword arguments as one batch."""
    return {
        name: _joined(value, second[name])
        if isinstance(value, dict)
        else torch.cat([value, second[name]])
        for name, value in first.items()
    }

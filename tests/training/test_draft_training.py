# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# (the border to torch and diffusers, whose types are partly missing)
"""How the demo's draft LoRA is trained: tiny runs of the real thing."""

import random
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from data.shipped.paths import DEMO_MODEL
from pipeline.prepare.lora.file import LoraFile
from training.demo.lora_learner import exported_unet
from training.demo.machine import Machine
from training.demo.state import State
from training.demo.tags import NEGATIVE
from training.demo.train_draft import NAME, RANK, STEPS, Pool, levels, target_of, train_draft
from training.demo.unet import SCHEDULER, alphas_cumprod, condition, make_unet

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of diffusers

PROCESSOR = Machine(torch.device("cpu"), bf16=False)


def test_it_learns_at_the_steps_of_euler_with_trailing_spacing() -> None:
    scheduler: Any = import_module("diffusers").EulerDiscreteScheduler(**SCHEDULER)
    scheduler.set_timesteps(STEPS)
    assert [each.timestep for each in levels()] == scheduler.timesteps.tolist()
    sigmas = [*(each.sigma for each in levels()), levels()[-1].next_sigma]
    assert sigmas == pytest.approx(scheduler.sigmas.tolist(), rel=1e-4)
    for each in levels():
        assert each.next_sigma < each.middle_sigma < each.sigma


def test_training_learns_writes_a_file_and_resumes(tmp_path: Path) -> None:
    def train(samples: int) -> bool:
        return train_draft(
            State(tmp_path),
            PROCESSOR,
            model=DEMO_MODEL,
            out=out,
            samples=samples,
            minutes=60,
            batch_size=2,
        )

    out = tmp_path / "draft.safetensors"
    assert train(4)
    first = out.read_bytes()
    assert train(4), "nothing left to do"
    assert out.read_bytes() == first, "the same LoRA makes the same file"
    assert train(6)
    kept: dict[str, Any] = torch.load(State(tmp_path).lora(NAME))
    assert kept["seen"] == 6

    file = LoraFile(out)
    linear = [name for name, part in make_unet().named_modules() if isinstance(part, nn.Linear)]
    assert sorted(file.entries) == sorted(f"lora_unet_{each.replace('.', '_')}" for each in linear)
    ups = [file.read(entry.keys["up"]) for entry in file.entries.values()]
    assert any(np.abs(up).max() > 0 for up in ups), "they begin as zeros"
    ranks = {file.shape(entry.keys["down"])[0] for entry in file.entries.values()}
    assert ranks == {RANK}


def test_its_steps_are_to_lead_where_the_guided_model_goes_in_many() -> None:
    """Nearer than one step of the guided model itself."""
    torch.manual_seed(0)
    pool = Pool((512, 512), 2, random.Random(0))
    pool.captions = [["1girl", "green hair"], ["1boy", "city"]]
    teacher = exported_unet(PROCESSOR, DEMO_MODEL)
    at, to = levels()[:2]
    sigmas = ((1 - alphas_cumprod()) / alphas_cumprod()).sqrt()
    both = condition([NEGATIVE, NEGATIVE, *pool.captions], width=512, height=512)

    def slope(latents: Tensor, timestep: int) -> Tensor:
        sigma = sigmas[timestep]
        scaled = (latents / (sigma**2 + 1).sqrt()).repeat(2, 1, 1, 1)
        with torch.no_grad():
            away, towards = teacher(scaled, timestep, **both).sample.chunk(2)
        return _slope(latents, away + 7 * (towards - away), sigma)

    fine, way = pool.latents, range(at.timestep, to.timestep, -5)
    for timestep in way:
        fine = fine + slope(fine, timestep) * (sigmas[timestep - 5] - sigmas[timestep])
    target = target_of(teacher, pool, pool.said(PROCESSOR.device))
    stride = to.sigma - at.sigma
    led = pool.latents + _slope(pool.latents, target, torch.tensor(at.sigma)) * stride
    coarse = pool.latents + slope(pool.latents, at.timestep) * stride
    assert (led - fine).norm() < 0.8 * (coarse - fine).norm()


def _slope(latents: Tensor, velocity: Tensor, sigma: Tensor) -> Tensor:
    """(x - x0) / sigma, with x0 as the scheduler computes it of a velocity."""
    original = velocity * (-sigma / (sigma**2 + 1).sqrt()) + latents / (sigma**2 + 1)
    return (latents - original) / sigma

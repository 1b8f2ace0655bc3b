# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportPrivateImportUsage=false
# (the border to diffusers and torch, whose types are partly missing)
"""Every sampler against diffusers' own scheduler, step by step, on random model outputs."""

from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from pipeline.card import SCHEDULERS, UNLISTED_SAMPLERS, Sampler
from pipeline.engine.noise.torch_noise import TorchGenerator
from pipeline.engine.samplers.base import SamplerState
from pipeline.engine.samplers.make import make_sampler
from pipeline.errors import InputError, ModelError

# diffusers 0.39 hands torch tensors to np.array in the old way.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SDXL: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "steps_offset": 1,
    "timestep_spacing": "leading",
    "prediction_type": "epsilon",
    "clip_sample": False,
    "set_alpha_to_one": False,
}
SHAPE = (1, 4, 6, 10)
STEPS = [1, 2, 5, 20, 28, 50]


def reference(sampler: Sampler, config: dict[str, Any]) -> Any:
    scheduler = SCHEDULERS[sampler]
    return getattr(diffusers, scheduler.name).from_config(config, **scheduler.changes)


def largest_difference(sampler: Sampler, config: dict[str, Any], steps: int) -> float:
    """Relative to the sample's size, over all steps; asserts equal timesteps on the way."""
    scheduler = reference(sampler, config)
    scheduler.set_timesteps(steps)
    ours = make_sampler(sampler, config, steps)
    assert len(ours.timesteps) == len(scheduler.timesteps)
    timesteps = scheduler.timesteps.numpy().astype(np.float32)
    np.testing.assert_allclose(ours.timesteps, timesteps, rtol=5e-7)
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(0)  # as the pipeline does
    np.testing.assert_allclose(ours.init_noise_sigma, scheduler.init_noise_sigma, rtol=3e-7)

    outputs = np.random.default_rng(steps)
    torch_generator, generator = torch.Generator().manual_seed(7), TorchGenerator(7)
    theirs = torch.randn(SHAPE, generator=torch_generator) * scheduler.init_noise_sigma
    sample = generator.randn(*SHAPE) * ours.init_noise_sigma
    state, worst = SamplerState(), 0.0
    for index, timestep in enumerate(scheduler.timesteps):
        scaled = scheduler.scale_model_input(theirs, timestep).numpy()
        worst = max(worst, relative(ours.scale_model_input(sample, index), scaled))
        output = outputs.standard_normal(SHAPE).astype(np.float32)
        extra = {"generator": torch_generator} if ours.draws_noise else {}
        theirs = scheduler.step(torch.from_numpy(output), timestep, theirs, **extra)[0]
        noise = generator.randn(*SHAPE) if ours.draws_noise else None
        sample, state = ours.step(state, output, sample, noise)
        worst = max(worst, relative(sample, theirs.numpy()))
        assert sample.dtype == np.float32
        assert state.step_index == index + 1
    return worst


def relative(ours: np.ndarray[Any, Any], theirs: np.ndarray[Any, Any]) -> float:
    return float(np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1.0))


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("spacing", ["leading", "trailing", "linspace"])
@pytest.mark.parametrize("sampler", list(Sampler))
def test_equals_diffusers_at_every_step(
    sampler: Sampler, spacing: str, prediction_type: str
) -> None:
    config = {**SDXL, "timestep_spacing": spacing, "prediction_type": prediction_type}
    for steps in STEPS:
        assert largest_difference(sampler, config, steps) < 2e-6, f"{steps} steps"


@pytest.mark.parametrize("sampler", list(Sampler))
@pytest.mark.parametrize(
    "changes",
    [
        {"beta_schedule": "linear"},
        {"beta_schedule": "squaredcos_cap_v2"},
        {"trained_betas": [0.0001 + 0.00002 * i for i in range(1000)]},
        {"final_sigmas_type": "sigma_min"},
        {"set_alpha_to_one": True, "steps_offset": 0},
        {"num_train_timesteps": 500},
        {"use_karras_sigmas": True},
        {"euler_at_final": True, "lower_order_final": False},
        {"solver_order": 1},
        {"clip_sample": True, "clip_sample_range": 1.5},
    ],
    ids="-".join,
)
def test_follows_the_models_config(sampler: Sampler, changes: dict[str, Any]) -> None:
    for steps in (6, 9, 20):
        assert largest_difference(sampler, {**SDXL, **changes}, steps) < 5e-6, f"{steps} steps"


@pytest.mark.parametrize("sampler", list(Sampler))
def test_follows_a_schedule_that_ends_in_pure_noise(sampler: Sampler) -> None:
    """`rescale_betas_zero_snr`: torch's square root is one of MKL and differs in the last bit, and
    the schedule's end amplifies that."""
    config = {
        **SDXL,
        "rescale_betas_zero_snr": True,
        "timestep_spacing": "trailing",
        "prediction_type": "v_prediction",
    }
    assert largest_difference(sampler, config, 20) < 2e-5


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("sampler", sorted(UNLISTED_SAMPLERS))
def test_distilled_samplers_at_every_number_of_steps(
    sampler: Sampler, prediction_type: str
) -> None:
    config = {**SDXL, "prediction_type": prediction_type}
    for steps in range(1, 51):
        assert largest_difference(sampler, config, steps) < 2e-6, f"{steps} steps"


@pytest.mark.parametrize("sampler", [Sampler.LCM, Sampler.TCD])
@pytest.mark.parametrize(
    "changes",
    [{"original_inference_steps": 100}, {"original_inference_steps": 30, "timestep_scaling": 2.0}],
    ids="-".join,
)
def test_follows_the_distillation(sampler: Sampler, changes: dict[str, Any]) -> None:
    for steps in (1, 4, 7, 30):
        assert largest_difference(sampler, {**SDXL, **changes}, steps) < 2e-6, f"{steps} steps"


@pytest.mark.parametrize("sampler", [Sampler.LCM, Sampler.TCD])
def test_has_no_more_steps_than_the_distillation(sampler: Sampler) -> None:
    with pytest.raises(ValueError, match="num_inference_steps"):
        reference(sampler, SDXL).set_timesteps(51)
    with pytest.raises(InputError) as caught:
        make_sampler(sampler, SDXL, 51)
    assert caught.value.key == "steps_out_of_range"
    assert caught.value.data == {"value": 51, "low": 1, "high": 50}


def test_trailing_steps_are_those_of_other_programs() -> None:
    """As ComfyUI's `sgm_uniform` and `simple`: the first step is at full noise, the last is not."""
    ours = make_sampler(Sampler.EULER_TRAILING, SDXL, 4)
    assert ours.timesteps.tolist() == [999, 749, 499, 249]


@pytest.mark.parametrize("sampler", [Sampler.LCM, Sampler.TCD])
def test_the_last_step_adds_no_noise(sampler: Sampler) -> None:
    ours, rng = make_sampler(sampler, SDXL, 3), np.random.default_rng(0)
    output, sample, one, other = rng.standard_normal((4, *SHAPE)).astype(np.float32)
    for index, alike in enumerate((False, False, True)):
        state = SamplerState(step_index=index)
        first, _ = ours.step(state, output, sample, one)
        second, _ = ours.step(state, output, sample, other)
        assert np.array_equal(first, second) is alike


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("prediction_type", "sample"),
        ("use_beta_sigmas", True),
        ("thresholding", True),
        ("beta_schedule", "sigmoid"),
        ("solver_order", 3),
        ("beta_start", "small"),
    ],
)
def test_names_what_it_cannot_do(name: str, value: object) -> None:
    with pytest.raises(ModelError) as caught:
        make_sampler(Sampler.DPM_2M_KARRAS, {**SDXL, name: value}, 20)
    assert caught.value.key == "scheduler_unsupported"
    assert caught.value.data == {"name": name, "value": value}

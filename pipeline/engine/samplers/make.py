"""From a sampler's name and a model's scheduler config to the sampler."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, assert_never

from pipeline.card import Sampler
from pipeline.engine.samplers.base import NumpySampler
from pipeline.engine.samplers.ddim import DdimSampler
from pipeline.engine.samplers.dpm import MultistepSampler, SinglestepSampler
from pipeline.engine.samplers.euler import EulerSampler
from pipeline.model.scheduler import SchedulerConfig

SINGLESTEP_DEFAULTS: Final[Mapping[str, Any]] = MappingProxyType({"lower_order_final": False})
"""Where diffusers' DPMSolverSinglestepScheduler differs from the other classes' defaults."""


def make_sampler(
    sampler: Sampler, scheduler_config: Mapping[str, object], steps: int
) -> NumpySampler:
    """The sampler for `steps` steps of a model with this `scheduler_config.json`.

    `rescale_betas_zero_snr` is unknown to diffusers' singlestep class and ignored there as well.
    Raises ModelError `scheduler_unsupported`.
    """
    config = dict(scheduler_config)
    match sampler:
        case Sampler.EULER_A:
            return EulerSampler.make(SchedulerConfig.of(config), steps, ancestral=True)
        case Sampler.EULER:
            return EulerSampler.make(SchedulerConfig.of(config), steps, ancestral=False)
        case Sampler.DDIM:
            return DdimSampler.make(SchedulerConfig.of(config), steps)
        case Sampler.DPM_2M_KARRAS:
            return MultistepSampler.make(SchedulerConfig.of(config), steps)
        case Sampler.DPM_2M_SDE_KARRAS:
            sde = {**config, "algorithm_type": "sde-dpmsolver++"}
            return MultistepSampler.make(SchedulerConfig.of(sde), steps)
        case Sampler.DPM_SDE_KARRAS:
            single = {**SINGLESTEP_DEFAULTS, **config, "rescale_betas_zero_snr": False}
            return SinglestepSampler.make(SchedulerConfig.of(single), steps)
        case _:
            assert_never(sampler)

"""From a sampler's name and a model's scheduler config to the sampler."""

from collections.abc import Callable, Mapping
from typing import Final

from pipeline.card import SCHEDULERS, Sampler
from pipeline.engine.samplers.base import NumpySampler
from pipeline.engine.samplers.ddim import DdimSampler
from pipeline.engine.samplers.distilled import LcmSampler, TcdSampler
from pipeline.engine.samplers.dpm import MultistepSampler, SinglestepSampler
from pipeline.engine.samplers.euler import EulerSampler
from pipeline.model.scheduler import SchedulerConfig

_SOLVERS: Final[Mapping[str, Callable[[SchedulerConfig, int], NumpySampler]]] = {
    "EulerAncestralDiscreteScheduler": EulerSampler.ancestral,
    "EulerDiscreteScheduler": EulerSampler.make,
    "DDIMScheduler": DdimSampler.make,
    "DPMSolverMultistepScheduler": MultistepSampler.make,
    "DPMSolverSinglestepScheduler": SinglestepSampler.make,
    "LCMScheduler": LcmSampler.make,
    "TCDScheduler": TcdSampler.make,
}
"""By the class of diffusers that each equals."""

_DISTILLED: Final[Mapping[str, object]] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
}
_DEFAULTS: Final[Mapping[str, Mapping[str, object]]] = {
    "DPMSolverSinglestepScheduler": {"lower_order_final": False},
    "LCMScheduler": _DISTILLED,
    "TCDScheduler": _DISTILLED,
}
"""Where a class of diffusers has other defaults than the rest."""


def make_sampler(
    sampler: Sampler, scheduler_config: Mapping[str, object], steps: int
) -> NumpySampler:
    """The sampler for `steps` steps of a model with this `scheduler_config.json`.

    Raises ModelError `scheduler_unsupported`, and InputError `steps_out_of_range` for more steps
    than the sampler can do.
    """
    scheduler = SCHEDULERS[sampler]
    values = {**_DEFAULTS.get(scheduler.name, {}), **scheduler_config, **scheduler.changes}
    return _SOLVERS[scheduler.name](SchedulerConfig.of(values), steps)

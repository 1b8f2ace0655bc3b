"""What a sampler needs of a model's `scheduler/scheduler_config.json`, checked."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Literal, get_args, get_origin

from pipeline.errors import ModelError

Prediction = Literal["epsilon", "v_prediction"]
Spacing = Literal["leading", "trailing", "linspace"]
BetaSchedule = Literal["linear", "scaled_linear", "squaredcos_cap_v2"]
Algorithm = Literal["dpmsolver++", "sde-dpmsolver++"]
FinalSigma = Literal["zero", "sigma_min"]

_NOT_MADE: Final[Mapping[str, tuple[object, ...]]] = {
    **dict.fromkeys(
        (
            "thresholding",
            "use_exponential_sigmas",
            "use_beta_sigmas",
            "use_lu_lambdas",
            "use_flow_sigmas",
            "use_dynamic_shifting",
        ),
        (False,),
    ),
    "solver_type": ("midpoint", "logrho", "bh1", "bh2"),
    "interpolation_type": ("linear",),
    "timestep_type": ("discrete",),
    "variance_type": ("fixed_small", "fixed_large"),
    "sigma_min": (),
    "sigma_max": (),
}
"""Entries without a field here, with the values that change nothing: other options of diffusers,
which no SDXL uses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerConfig:
    """The noise schedule of a model's training, and options of the solver, with diffusers' names
    and defaults.

    `trained_betas` replaces the beta formula. `clip_sample_range` clips x0 of DDIM and LCM, None
    does not. `original_inference_steps` is what LCM and TCD were distilled from, and
    `timestep_scaling` LCM's.
    """

    num_train_timesteps: int = 1000
    beta_start: float = 0.0001
    beta_end: float = 0.02
    beta_schedule: BetaSchedule = "linear"
    trained_betas: tuple[float, ...] | None = None
    prediction_type: Prediction = "epsilon"
    timestep_spacing: Spacing = "linspace"
    steps_offset: int = 0
    rescale_betas_zero_snr: bool = False
    use_karras_sigmas: bool = False
    final_sigmas_type: FinalSigma = "zero"
    lower_order_final: bool = True
    euler_at_final: bool = False
    solver_order: Literal[1, 2] = 2
    algorithm_type: Algorithm = "dpmsolver++"
    set_alpha_to_one: bool = True
    clip_sample_range: float | None = 1.0
    original_inference_steps: int = 50
    timestep_scaling: float = 10.0

    @classmethod
    def of(cls, values: Mapping[str, object]) -> "SchedulerConfig":
        """From the file's entries over diffusers' defaults; null counts as missing.

        Raises ModelError `scheduler_unsupported` (name, value) for what is not implemented here.
        """
        said = {name: value for name, value in values.items() if value is not None}
        for name, allowed in (*_NOT_MADE.items(), ("clip_sample", (True, False))):
            if name in said:
                _one_of(name, said[name], allowed)
        clips = bool(said.get("clip_sample", True))
        if not clips:
            said.pop("clip_sample_range", None)
        found = {
            each.name: _read(each.name, said[each.name], each.type)
            for each in fields(cls)
            if each.name in said
        }
        if not clips:
            found["clip_sample_range"] = None
        return cls(**found)


def _read(name: str, value: object, kind: Any) -> Any:
    """`value` converted to the field type `kind`."""
    if get_origin(kind) is Literal:
        return _one_of(name, value, get_args(kind))
    if kind is bool:
        return _one_of(name, value, (True, False))
    if name == "trained_betas":
        if not isinstance(value, list):
            raise ModelError("scheduler_unsupported", name=name, value="no list")
        return tuple(float(each) for each in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # JSON
    if not isinstance(value, int | float):
        raise ModelError("scheduler_unsupported", name=name, value=value)
    return int(value) if kind is int else float(value)


def _one_of(name: str, value: object, allowed: tuple[object, ...]) -> object:
    for known in allowed:
        if value == known:
            return known
    raise ModelError("scheduler_unsupported", name=name, value=value)

"""What a sampler needs of a model's `scheduler/scheduler_config.json`, checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from pipeline.errors import ModelError

Prediction = Literal["epsilon", "v_prediction"]
Spacing = Literal["leading", "trailing", "linspace"]
BetaSchedule = Literal["linear", "scaled_linear", "squaredcos_cap_v2"]
Algorithm = Literal["dpmsolver++", "sde-dpmsolver++"]
FinalSigma = Literal["zero", "sigma_min"]

_SWITCHES = (
    "thresholding",
    "use_exponential_sigmas",
    "use_beta_sigmas",
    "use_lu_lambdas",
    "use_flow_sigmas",
    "use_dynamic_shifting",
)
"""Ways of diffusers that no SDXL uses and that are not made here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerConfig:
    """The noise schedule a model was trained with and the solver's ways; diffusers' names.

    `trained_betas` replaces the beta formula. `clip_sample_range` clips DDIM's x0, None does not.
    """

    num_train_timesteps: int
    beta_start: float
    beta_end: float
    beta_schedule: BetaSchedule
    trained_betas: tuple[float, ...] | None
    prediction_type: Prediction
    timestep_spacing: Spacing
    steps_offset: int
    rescale_betas_zero_snr: bool
    use_karras_sigmas: bool
    final_sigmas_type: FinalSigma
    lower_order_final: bool
    euler_at_final: bool
    solver_order: int
    algorithm_type: Algorithm
    set_alpha_to_one: bool
    clip_sample_range: float | None

    @classmethod
    def of(cls, values: Mapping[str, object]) -> "SchedulerConfig":
        """From the file's entries, laid over diffusers' defaults.

        Raises ModelError `scheduler_unsupported` (name, value) for what is not made here.
        """
        read = _Reader(values)
        for switch in _SWITCHES:
            read.choice(switch, False, (False,))
        read.choice("solver_type", "midpoint", ("midpoint", "logrho", "bh1", "bh2"))
        read.choice("interpolation_type", "linear", ("linear",))
        read.choice("timestep_type", "discrete", ("discrete",))
        read.choice("variance_type", None, (None, "fixed_small", "fixed_large"))
        for bound in ("sigma_min", "sigma_max"):
            read.choice(bound, None, (None,))
        clips = read.choice("clip_sample", True, (True, False))
        return cls(
            num_train_timesteps=int(read.number("num_train_timesteps", 1000)),
            beta_start=read.number("beta_start", 0.0001),
            beta_end=read.number("beta_end", 0.02),
            beta_schedule=read.choice(
                "beta_schedule", "linear", ("linear", "scaled_linear", "squaredcos_cap_v2")
            ),
            trained_betas=read.numbers("trained_betas"),
            prediction_type=read.choice("prediction_type", "epsilon", ("epsilon", "v_prediction")),
            timestep_spacing=read.choice(
                "timestep_spacing", "linspace", ("leading", "trailing", "linspace")
            ),
            steps_offset=int(read.number("steps_offset", 0)),
            rescale_betas_zero_snr=read.choice("rescale_betas_zero_snr", False, (True, False)),
            use_karras_sigmas=read.choice("use_karras_sigmas", False, (True, False)),
            final_sigmas_type=read.choice("final_sigmas_type", "zero", ("zero", "sigma_min")),
            lower_order_final=read.choice("lower_order_final", True, (True, False)),
            euler_at_final=read.choice("euler_at_final", False, (True, False)),
            solver_order=read.choice("solver_order", 2, (1, 2)),
            algorithm_type=read.choice(
                "algorithm_type", "dpmsolver++", ("dpmsolver++", "sde-dpmsolver++")
            ),
            set_alpha_to_one=read.choice("set_alpha_to_one", True, (True, False)),
            clip_sample_range=read.number("clip_sample_range", 1.0) if clips else None,
        )


_T = TypeVar("_T")


class _Reader:
    """Typed access to loose entries; None counts as missing."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values

    def choice(self, name: str, default: _T, allowed: tuple[_T, ...]) -> _T:
        value = self._values.get(name)
        if value is None:
            return default
        for known in allowed:
            if value == known:
                return known
        raise ModelError("scheduler_unsupported", name=name, value=value)

    def number(self, name: str, default: float) -> float:
        value = self._values.get(name)
        if value is None:
            return default
        if isinstance(value, int | float):
            return float(value)
        raise ModelError("scheduler_unsupported", name=name, value=value)

    def numbers(self, name: str) -> tuple[float, ...] | None:
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, list):
            return tuple(float(each) for each in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # JSON
        raise ModelError("scheduler_unsupported", name=name, value="no list")

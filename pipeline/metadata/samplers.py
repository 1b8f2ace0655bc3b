"""Samplers and schedules by the names that other programs give them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pipeline.card import SCHEDULERS, Sampler, Schedule

_MAX_NAME: Final = 100  # characters that are looked at
_KARRAS: Final = frozenset({"karras", "k"})
_DEFAULT: Final = frozenset({"", "automatic", "default"})
_PLAIN: Final = frozenset({"normal", "uniform", "native", "ddim_uniform"})
_OTHER: Final = frozenset(
    {"exponential", "polyexponential", "beta", "ays", "turbo", "align_your_steps", "kl_optimal",
     "linear_quadratic", "lcm"}
)  # fmt: skip
_TRAILING: Final = frozenset({"sgm_uniform", "simple", "trailing"})  # equal but for rounding
_SUFFIXES: Final = sorted(
    _KARRAS | _DEFAULT - {""} | _PLAIN | _TRAILING | _OTHER, key=len, reverse=True
)
_SCHEDULES: Final[Mapping[Schedule, frozenset[str]]] = {
    "": _PLAIN,
    "Karras": _KARRAS,
    "SGM Uniform": _TRAILING,
}


@dataclass(frozen=True, slots=True)
class SamplerChoice:
    """Our sampler, None if there is no equivalent, and the schedule if ours differs."""

    sampler: Sampler | None
    missing_schedule: str = ""


def choose_sampler(name: str, schedule: str = "") -> SamplerChoice:
    """Our sampler for `DPM++ 2M Karras`, `dpmpp_2m` with `karras`, `k_euler_ancestral`, ...

    Where we have it with several schedules, the one that was used or the first.
    """
    base, joined = _split(_key(name))
    wanted = _key(schedule)
    if wanted in _DEFAULT:
        wanted = joined or _automatic(base, wanted)
    ours = _SAMPLERS.get(base, ())
    for sampler in ours:
        if wanted in _DEFAULT | _SCHEDULES[SCHEDULERS[sampler].schedule]:
            return SamplerChoice(sampler)
    return SamplerChoice(ours[0], wanted.replace("_", " ")) if ours else SamplerChoice(None)


def _automatic(base: str, schedule: str) -> str:
    """What A1111's `Automatic` means; without the word it is unknown."""
    return "exponential" if schedule == "automatic" and base == "dpmpp_2m_sde" else ""


def _key(name: str) -> str:
    """`DPM++ 2M SDE` as `dpmpp_2m_sde`."""
    plain = name[:_MAX_NAME].casefold().replace("++", "pp")
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")


def _split(key: str) -> tuple[str, str]:
    """The sampler and the schedule that old files write into its name."""
    base = key.removeprefix("k_")
    for suffix in _SUFFIXES:
        if base.endswith(f"_{suffix}") and base not in _SAMPLERS:
            return base.removesuffix(f"_{suffix}"), suffix
    return base, ""


def _named() -> Mapping[str, tuple[Sampler, ...]]:
    found: dict[str, tuple[Sampler, ...]] = {}
    for sampler, scheduler in SCHEDULERS.items():
        own = _key(sampler.value.removesuffix(f" {scheduler.schedule}"))
        for name in (own, *scheduler.also_called):
            found[name] = (*found.get(name, ()), sampler)
    return found


_SAMPLERS: Final = _named()
"""By the names that ComfyUI gives them, without the schedule."""

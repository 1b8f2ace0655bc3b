"""Samplers and schedules by the names that other programs give them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pipeline.card import SCHEDULERS, Sampler

_MAX_NAME: Final = 100  # characters that are looked at
_KARRAS: Final = frozenset({"karras", "k"})
_DEFAULT: Final = frozenset({"", "automatic", "default"})
_PLAIN: Final = frozenset({"normal", "uniform", "native", "ddim_uniform"})
_OTHER: Final = frozenset(
    {"exponential", "polyexponential", "sgm_uniform", "simple", "beta", "trailing", "ays", "turbo",
     "align_your_steps", "kl_optimal", "linear_quadratic", "lcm"}
)  # fmt: skip
_SUFFIXES: Final = sorted(_KARRAS | _DEFAULT - {""} | _PLAIN | _OTHER, key=len, reverse=True)


@dataclass(frozen=True, slots=True)
class SamplerChoice:
    """Our sampler, None if there is no equivalent, and the schedule if ours differs."""

    sampler: Sampler | None
    missing_schedule: str = ""


def choose_sampler(name: str, schedule: str = "") -> SamplerChoice:
    """Our sampler for `DPM++ 2M Karras`, `dpmpp_2m` with `karras`, `k_euler_ancestral`, ...

    Ours of the DPM++ kind always use Karras' schedule, the others the plain one.
    """
    base, joined = _split(_key(name))
    wanted = _key(schedule)
    if wanted in _DEFAULT:
        wanted = joined or _automatic(base, wanted)
    sampler = _SAMPLERS.get(base)
    if sampler is None:
        return SamplerChoice(None)
    kept = _KARRAS if sampler.value.endswith("Karras") else _PLAIN
    missing = "" if wanted in kept | _DEFAULT else wanted
    return SamplerChoice(sampler, missing.replace("_", " "))


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


_SAMPLERS: Final[Mapping[str, Sampler]] = {
    name: sampler
    for sampler, scheduler in SCHEDULERS.items()
    for name in (_key(sampler).removesuffix("_karras"), *scheduler.also_called)
}
"""By the names that ComfyUI gives them, without the schedule."""

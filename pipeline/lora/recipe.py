"""The settings that a LoRA was made for: one that was distilled needs few steps and its sampler."""

from dataclasses import dataclass, fields
from typing import Any

from pipeline.card import (
    MAX_GUIDANCE,
    MAX_STEPS,
    MIN_GUIDANCE,
    MIN_STEPS,
    SCHEDULERS,
    Sampler,
)
from pipeline.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Named as in a request. None: the LoRA says nothing about it."""

    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    sampler: Sampler | None = None

    @property
    def said(self) -> dict[str, Any]:
        """What it says, by field."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in found.items() if value is not None}

    def check(self) -> None:
        """InputError `steps_out_of_range` or `guidance_out_of_range`."""
        steps, guidance = self.num_inference_steps, self.guidance_scale
        most = MAX_STEPS
        if self.sampler is not None:
            most = SCHEDULERS[self.sampler].highest_steps(MAX_STEPS)
        if steps is not None and not MIN_STEPS <= steps <= most:
            raise InputError("steps_out_of_range", value=steps, low=MIN_STEPS, high=most)
        if guidance is not None and not MIN_GUIDANCE <= guidance <= MAX_GUIDANCE:  # nor nan
            low, high = f"{MIN_GUIDANCE:g}", f"{MAX_GUIDANCE:g}"
            raise InputError("guidance_out_of_range", value=guidance, low=low, high=high)


NO_RECIPE = Recipe()

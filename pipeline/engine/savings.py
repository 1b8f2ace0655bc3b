"""Which steps of a picture are drawn with less work: `speed: balanced`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Savings:
    """Pure rules over a picture's steps, numbered from 0.

    After the first `whole_share` of the steps (0..1) only every `every`th step runs the whole UNet;
    those in between reuse its deep features (DeepCache, https://arxiv.org/abs/2312.00858), unless
    the prompt has changed since: then they are whole ones, or a text would never be drawn. Guidance
    ends after the first `guided_share` of the steps (https://arxiv.org/abs/2404.07724).
    """

    every: int = 1
    whole_share: float = 0.0
    guided_share: float = 1.0

    def reuses(self, step: int, steps: int) -> bool:
        """Whether `step` of `steps` reuses the deep features of an earlier one."""
        first = max(1, round(self.whole_share * steps))
        return step >= first and (step - first + 1) % self.every != 0

    def keeps(self, step: int, steps: int) -> bool:
        """Whether the next step reuses the deep features of this one."""
        return step + 1 < steps and not self.reuses(step, steps) and self.reuses(step + 1, steps)

    def reused(self, steps: int, texts: Sequence[object] = ()) -> int:
        """How many of `steps` reuse deep features. `texts`: what each step draws, if that
        changes."""
        found, kept = 0, None
        for step in range(steps):
            text = texts[step] if texts else None
            if self.reuses(step, steps) and text == kept:
                found += 1
            else:
                kept = text
        return found

    def is_guided(self, step: int, steps: int) -> bool:
        """Whether `step` is drawn with guidance, if the picture is."""
        return step < max(1, round(self.guided_share * steps))


NOTHING_SAVED: Final = Savings()
BALANCED: Final = Savings(every=3, whole_share=0.15)
"""Chosen by what pictures lose: `python -m training.demo.savings` prints the table. Guidance is
left alone, because pictures that end without it differ more than those of fewer steps."""

"""Estimates how long work takes on this machine from earlier pictures. Pure."""

import json
import math
from dataclasses import dataclass

from pipeline.card import DEFAULT_STEPS
from pipeline.engine.protocol import Expected
from pipeline.jsonfields import JsonFields
from pipeline.request import ResolvedRequest

_MEGAPIXELS_OF_1024 = 1024 * 1024 / 1_000_000
_NEW_WEIGHT = 0.3  # a moving average that follows a changed machine within a few pictures


def steps_of(request: ResolvedRequest) -> int:
    """The steps that are run: img2img skips the first ones (diffusers' rule)."""
    return max(
        1, min(int(request.num_inference_steps * request.strength), request.num_inference_steps)
    )


def cost_of(request: ResolvedRequest) -> float:
    """The work in one picture: steps x megapixels (x 2 with guidance, as two rows are run)."""
    rows = 2 if request.guidance_scale > 1 else 1
    return steps_of(request) * request.width * request.height * rows / 1_000_000


@dataclass(slots=True)
class Pace:
    """Seconds per unit of cost, and seconds per picture spent elsewhere (text, decoding, PNG).

    `is_guess`: nothing was drawn yet; this is an estimate for this machine.
    """

    seconds_a_cost: float | None = None
    seconds_beside: float = 0.0
    is_guess: bool = False

    def learn(self, *, cost: float, steps_s: float, total_s: float) -> None:
        """Learn from a finished picture: `steps_s` of `total_s` were spent in denoising steps."""
        pace, beside = steps_s / cost, max(0.0, total_s - steps_s)
        if self.seconds_a_cost is None or self.is_guess:
            self.seconds_a_cost, self.seconds_beside = pace, beside
            self.is_guess = False
        else:
            self.seconds_a_cost += _NEW_WEIGHT * (pace - self.seconds_a_cost)
            self.seconds_beside += _NEW_WEIGHT * (beside - self.seconds_beside)

    def expect(self, expected: Expected) -> None:
        """Start from the computed estimate if nothing is known yet."""
        if self.seconds_a_cost is None:
            self.seconds_a_cost = expected.row_step_s / _MEGAPIXELS_OF_1024
            self.seconds_beside = expected.beside_s
            self.is_guess = True

    def correct(self, *, cost: float, steps_s: float) -> None:
        """Some steps of the first picture, of `cost` in total, took `steps_s`: correct the
        estimate, including the time after the steps, by the same factor. Later pictures need no
        such early correction."""
        if self.is_guess and self.seconds_a_cost is not None and cost > 0 and steps_s > 0:
            pace = steps_s / cost
            self.seconds_beside *= pace / self.seconds_a_cost
            self.seconds_a_cost = pace

    def estimate(self, cost: float) -> float | None:
        """Seconds that a picture of `cost` will take; None if nothing is known."""
        if self.seconds_a_cost is None:
            return None
        return cost * self.seconds_a_cost + self.seconds_beside

    def usual(self) -> float | None:
        """Seconds of a usual picture: 1024x1024 in the usual steps, with guidance."""
        return self.estimate(2 * DEFAULT_STEPS * _MEGAPIXELS_OF_1024)

    def to_json(self) -> str:
        """What was learned, to restore after a restart."""
        return json.dumps(
            {"seconds_a_cost": self.seconds_a_cost, "seconds_beside": self.seconds_beside}
        )

    def take_up(self, text: str) -> None:
        """Restore what `to_json` wrote before a restart; ignored if it is invalid or a picture was
        measured since."""
        if self.seconds_a_cost is not None and not self.is_guess:
            return
        try:
            stored = JsonFields.parse(text)
            a_cost, beside = stored.number("seconds_a_cost"), stored.number("seconds_beside")
        except ValueError:
            return
        if 0 < a_cost < math.inf and 0 <= beside < math.inf:
            self.seconds_a_cost, self.seconds_beside = a_cost, beside
            self.is_guess = False

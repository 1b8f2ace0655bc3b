"""How long work takes on this machine, learnt from what was drawn. Pure."""

from dataclasses import dataclass, field

from pipeline.request import ResolvedRequest

_NEW_WEIGHT = 0.3  # a moving average that follows a changed machine within a few pictures


def cost_of(request: ResolvedRequest) -> float:
    """The work in one picture: steps x megapixels (x 2 with guidance, as two rows are run)."""
    rows = 2 if request.guidance_scale > 1 else 1
    return request.num_inference_steps * request.width * request.height * rows / 1_000_000


@dataclass(slots=True)
class Pace:
    """Seconds by unit of cost and seconds by picture spent elsewhere (text, decoding, PNG)."""

    seconds_a_cost: float | None = None
    seconds_beside: float = 0.0
    _seen: int = field(default=0)

    def learn(self, *, cost: float, steps_s: float, total_s: float) -> None:
        """Take in one finished picture: `steps_s` of `total_s` went into denoising steps."""
        pace, beside = steps_s / cost, max(0.0, total_s - steps_s)
        if self.seconds_a_cost is None:
            self.seconds_a_cost, self.seconds_beside = pace, beside
        else:
            self.seconds_a_cost += _NEW_WEIGHT * (pace - self.seconds_a_cost)
            self.seconds_beside += _NEW_WEIGHT * (beside - self.seconds_beside)
        self._seen += 1

    def estimate(self, cost: float) -> float | None:
        """Seconds that a picture of `cost` will take; None before the first was measured."""
        if self.seconds_a_cost is None:
            return None
        return cost * self.seconds_a_cost + self.seconds_beside

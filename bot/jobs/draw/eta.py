"""Estimates how long work takes on this machine from earlier pictures. Pure."""

import json
import math
from dataclasses import dataclass
from typing import Final

from pipeline.card import DEFAULT_STEPS
from pipeline.engine.protocol import Expected
from pipeline.jsonfields import JsonFields
from pipeline.request import ResolvedRequest
from pipeline.rework import FACE_SIDE
from pipeline.speed.cost import face_row_steps, row_steps_of

_MEGAPIXELS_OF_1024 = 1024 * 1024 / 1_000_000
MORE_A_PICTURE: Final = 0.9
"""Of a step's time, for each further picture in it: a card is busy with one picture of SDXL.
Assumed, not measured on a card (docs/performance.md)."""

_NEW_WEIGHT = 0.3  # a moving average that follows a changed machine within a few pictures


def cost_of(request: ResolvedRequest) -> float:
    """The work in one picture: whole steps x megapixels x rows of the UNet (2 with guidance, more
    for regions). Of a comparison the mean."""
    if request.compared:
        return sum(map(cost_of, request.compared)) / len(request.compared)
    return first_cost_of(request) + (_face_cost_of(request) if request.faces else 0.0)


def first_cost_of(request: ResolvedRequest) -> float:
    """The same without what its faces take that are drawn again."""
    if request.only_faces:
        return 0.0
    return row_steps_of(request) * request.width * request.height / 1_000_000


def _face_cost_of(request: ResolvedRequest) -> float:
    """Of one face: most pictures have no more."""
    return face_row_steps(request) * FACE_SIDE * FACE_SIDE / 1_000_000


def share_done(request: ResolvedRequest, *, done: float, face: int, faces: int) -> float:
    """The share of a picture's work that is done, when `done` of its steps are, or of those of face
    `face` (from 1) of `faces`; `face` 0: of the picture itself."""
    first = first_cost_of(request) / cost_of(request)
    if face == 0:
        return first * done
    return first + (1 - first) * (face - 1 + done) / faces


def crowded(at_once: float) -> float:
    """How much longer a step takes that draws so many pictures."""
    return 1.0 + MORE_A_PICTURE * (at_once - 1.0)


@dataclass(slots=True)
class Pace:
    """Seconds per unit of cost, and seconds per picture spent elsewhere (text, decoding, PNG).

    `is_guess`: nothing was drawn yet; this is an estimate for this machine. `small_share`: how much
    of `seconds_beside` a picture takes that the small decoder decodes, as a draft.
    """

    seconds_a_cost: float | None = None
    seconds_beside: float = 0.0
    is_guess: bool = False
    small_share: float = 1.0

    def learn(
        self,
        *,
        cost: float,
        steps_s: float,
        total_s: float,
        small: bool = False,
        at_once: float = 1.0,
    ) -> None:
        """Learn from a finished picture: `steps_s` of `total_s` were spent in denoising steps.
        `small`: the small decoder decoded it. `at_once`: so many pictures were drawn in them."""
        pace, beside = steps_s / cost / crowded(at_once), max(0.0, total_s - steps_s)
        if small:
            beside /= self.small_share
        if self.seconds_a_cost is None or self.is_guess:
            self.seconds_a_cost, self.seconds_beside = pace, beside
            self.is_guess = False
        else:
            self.seconds_a_cost += _NEW_WEIGHT * (pace - self.seconds_a_cost)
            self.seconds_beside += _NEW_WEIGHT * (beside - self.seconds_beside)

    def expect(self, expected: Expected) -> None:
        """Start from the computed estimate if nothing is known yet."""
        if expected.small_beside_s and expected.beside_s:
            self.small_share = expected.small_beside_s / expected.beside_s
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

    def estimate(
        self, cost: float, *, is_draft: bool = False, at_once: float = 1.0
    ) -> float | None:
        """Seconds that a picture of `cost` will take if so many are drawn `at_once`; None if
        nothing is known."""
        if self.seconds_a_cost is None:
            return None
        beside = self.seconds_beside * (self.small_share if is_draft else 1.0)
        return cost * self.seconds_a_cost * crowded(at_once) + beside

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

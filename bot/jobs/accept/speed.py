"""Accepting: at which speed a request is drawn, or why not at the one that was asked for. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.loras.library import LoraEntry, LoraLibrary
from pipeline.card import Speed
from pipeline.engine.protocol import ModelDescription
from pipeline.errors import EkakiError, InputError, RefusedError
from pipeline.rating import Rating
from pipeline.request import GenerationRequest
from pipeline.resolve import Defaults
from pipeline.rework import FACE_SIDE, FACE_STRENGTH
from pipeline.speed.cost import WHOLE, cost_of_work, rows_of, whole_steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Speeds:
    """What can be drawn in a place. `model`: None while it is loading."""

    library: LoraLibrary
    ceiling: Rating
    model: ModelDescription | None

    def available(self) -> Sequence[Speed]:
        """All that are possible, `full` first."""
        return [each for each in Speed if self.problem(each) is None]

    def problem(self, speed: Speed) -> EkakiError | None:
        """Why nothing can be drawn at `speed` here; None if it can."""
        if speed is Speed.BALANCED:
            can = self.model is None or self.model.balanced
            return None if can else InputError("balanced_none")
        if speed is Speed.FULL:
            return None
        draft = self.library.draft
        if draft is None or (self.model is not None and not self.model.loras):
            return InputError("draft_none")
        if draft.problem:
            return InputError("draft_unusable")
        if draft.rating > self.ceiling:
            said = {"rating": draft.rating.label, "ceiling": self.ceiling.label}
            return RefusedError("draft_above_ceiling", **said)
        return None

    def chosen(self, request: GenerationRequest, default: Speed) -> Speed:
        """What `request` asks for, otherwise the `default` as far as it is possible here.
        InputError or RefusedError says why a speed that was asked for is not."""
        if request.speed is None:
            return Speed.FULL if self.problem(default) else default
        problem = self.problem(request.speed)
        if problem is not None:
            raise problem
        return request.speed

    def draft_of(self, speed: Speed) -> LoraEntry | None:
        """The LoRA that makes a request of `speed` a draft; None for any other speed."""
        return self.library.draft if speed is Speed.DRAFT else None


def usual_draft(library: LoraLibrary, defaults: Defaults) -> float | None:
    """What a draft of the usual size counts towards limits, in pictures; None without drafts."""
    draft = library.draft
    if draft is None or draft.problem or draft.recipe.num_inference_steps is None:
        return None
    guidance = draft.recipe.guidance_scale or defaults.guidance_scale
    row_steps = rows_of(guidance) * draft.recipe.num_inference_steps
    size = defaults.bucket
    return cost_of_work(row_steps=row_steps, width=size.width, height=size.height) / WHOLE


def usual_face(model: ModelDescription | None, defaults: Defaults) -> float | None:
    """What a face counts that is drawn again; None where the bot finds none."""
    if model is None or not model.faces:
        return None
    steps = max(1, int(defaults.num_inference_steps * FACE_STRENGTH))
    row_steps = rows_of(defaults.guidance_scale) * steps
    return cost_of_work(row_steps=row_steps, width=FACE_SIDE, height=FACE_SIDE) / WHOLE


def usual_balanced(model: ModelDescription | None, defaults: Defaults) -> float | None:
    """The same of a balanced picture; None where the model draws none."""
    if model is None or not model.balanced:
        return None
    steps = whole_steps(defaults.num_inference_steps, Speed.BALANCED)
    row_steps = rows_of(defaults.guidance_scale) * steps
    size = defaults.bucket
    return cost_of_work(row_steps=row_steps, width=size.width, height=size.height) / WHOLE

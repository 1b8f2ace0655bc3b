"""The interface of engines. Code outside does not know which one runs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from PIL.Image import Image

from pipeline.card import DEFAULT_STEPS
from pipeline.errors import Cancelled
from pipeline.request import ResolvedRequest
from pipeline.rework import UPSCALE_STRENGTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """How long drawing will take here, computed before anything was drawn.

    `row_step_s`: seconds per row and step at 1024x1024; `beside_s`: seconds per picture spent
    elsewhere (mostly decoding).
    """

    row_step_s: float
    beside_s: float

    @property
    def picture_s(self) -> float:
        """Seconds for 1024x1024 with the usual steps and guidance: two rows per step."""
        return 2 * DEFAULT_STEPS * self.row_step_s + self.beside_s


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDescription:
    """Which model draws, for `/about`, records, PNG text and logs. Contains no local path.

    `hash` is ten hex digits over the weights' identity (A1111's "Model hash"). `notice` is a
    sentence that every result must show ("random weights: ..."), or "". `size_multiple` is the
    number of pixels every side must be a multiple of. `upscale_strength` is the default share of an
    upscaled picture that is redrawn (0..1). `loras`: it can draw with LoRAs. `expected` is
    None if the machine's speed was not measured.
    """

    name: str
    repository: str
    revision: str
    hash: str
    precision: str
    provider: str
    engine: str
    notice: str
    size_multiple: int
    vae_scale_factor: int
    upscale_strength: float = UPSCALE_STRENGTH
    loras: bool = False
    expected: Expected | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnPicture:
    """One finished picture. `image` is RGB, `seconds_a_step` the mean over the UNet steps.
    `energy_j`: the electricity that it took, in joules; None if that is not known."""

    image: Image
    seed: int
    elapsed_s: float
    seconds_a_step: float
    energy_j: float | None = None


class Watch(Protocol):
    """Observes and stops a drawing. All methods are called in the drawing's thread."""

    def is_cancelled(self) -> bool:
        """Asked before each step and before decoding; True makes `draw` raise Cancelled."""
        ...

    def on_step(self, step: int, steps: int, preview: Callable[[], Image | None]) -> None:
        """Step `step` (from 1) of `steps` is done; call `preview` only if one is wanted (it costs
        some milliseconds)."""
        ...


def go_on(watch: Watch) -> None:
    """Raises Cancelled when `watch` says so."""
    if watch.is_cancelled():
        raise Cancelled


class Engine(Protocol):
    """Draws pictures. Owned by one thread: no method is called by two threads at once."""

    @property
    def model(self) -> ModelDescription:
        """The model in use."""
        ...

    def draw(
        self,
        request: ResolvedRequest,
        index: int,
        watch: Watch,
        *,
        init_image: Image | None = None,
    ) -> DrawnPicture:
        """Picture `index` of `request`, started from `init_image` (of any size and mode) if the
        request names an `init_picture`; otherwise the argument is ignored.

        Raises Cancelled when `watch` says so, EngineError when drawing fails (`init_image_missing`
        if the request needs a picture and none is given), InputError for LoRAs that can't be used.
        The same request, index and picture give the same result, regardless of earlier drawings.
        """
        ...

    def close(self) -> None:
        """Free sessions and memory. Idempotent."""
        ...

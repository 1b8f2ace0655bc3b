"""The interface of engines. Code outside does not know which one runs."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from PIL.Image import Image

from pipeline.card import DEFAULT_STEPS
from pipeline.errors import Cancelled
from pipeline.request import ResolvedRequest
from pipeline.rework import UPSCALE_STRENGTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """How long drawing will take here, computed before anything was drawn.

    `row_step_s`: seconds per row and step at 1024x1024; `beside_s`: seconds per picture spent
    elsewhere (mostly decoding). `small_beside_s`: the same with the small decoder, which drafts
    use; None without one.
    """

    row_step_s: float
    beside_s: float
    small_beside_s: float | None = None

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
    upscaled picture that is redrawn (0..1). `loras`: it can draw with LoRAs. `balanced`: it does
    less work for `Speed.BALANCED`. `faces`: it finds faces, and draws small ones again. `expected`
    is None if the machine's speed was not measured.
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
    balanced: bool = False
    faces: bool = False
    expected: Expected | None = None

    @property
    def changes_prompts(self) -> bool:
        """Whether prompts can change while they are drawn: not in optimum's pipelines."""
        return self.engine != "stock"


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnPicture:
    """One finished picture. `image` is RGB, `seconds_a_step` the mean over the UNet steps.
    `energy_j`: the electricity that it took, in joules; None if that is not known. `decoder`: what
    decoded it, if not the model's own decoder (`small decoder`). `at_once`: how many pictures its
    steps drew on average, those of others included. `faces`: how many were drawn again; `faces_s`:
    the part of `elapsed_s` for them."""

    image: Image
    seed: int
    elapsed_s: float
    seconds_a_step: float
    energy_j: float | None = None
    decoder: str = ""
    at_once: float = 1.0
    faces: int = 0
    faces_s: float = 0.0


class Watch(Protocol):
    """Observes and stops a drawing. All methods are called in the drawing's thread."""

    def is_cancelled(self) -> bool:
        """Asked before each step and before decoding; True makes `draw` raise Cancelled."""
        ...

    def on_step(self, step: int, steps: int, preview: Callable[[], Image | None]) -> None:
        """Step `step` (from 1) of `steps` is done; call `preview` only if one is wanted (it costs
        some milliseconds)."""
        ...


@runtime_checkable
class FaceWatch(Protocol):
    """A watch that is told about faces, too."""

    def on_face(self, face: int, faces: int) -> None:
        """The steps that follow are those of face `face` (from 1) of `faces`."""
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
        mask_image: Image | None = None,
    ) -> DrawnPicture:
        """Picture `index` of `request`, started from `init_image` (of any size and mode) if the
        request names an `init_picture`, and redrawn where `mask_image` is white if it names a
        `mask`; otherwise the arguments are ignored. Outside of the mask the picture stays, bit for
        bit if it has the request's size.

        Raises Cancelled when `watch` says so, EngineError when drawing fails (`init_image_missing`
        or `mask_missing` if the request needs one and none is given), InputError for LoRAs that
        can't be used.
        The same request, index and picture give the same result, regardless of earlier drawings.
        """
        ...

    def close(self) -> None:
        """Free sessions and memory. Idempotent."""
        ...


@runtime_checkable
class OneOfSeveral(Engine, Protocol):
    """An engine that shares its device with others like it: a slot (`pipeline.engine.slots`)."""

    @property
    def slots(self) -> int:
        """How many the device has room for; fewer after memory ran out."""
        ...

    @property
    def has_room(self) -> bool:
        """Whether this one is among them."""
        ...

    @property
    def is_lost(self) -> bool:
        """Whether the device was lost, also while another one drew: close this one and open it
        again."""
        ...


def slot_of(engine: Engine | None) -> OneOfSeveral | None:
    """`engine`, or the one that it adds something to, if that is a slot."""
    inner = getattr(engine, "engine", engine)
    return inner if isinstance(inner, OneOfSeveral) else None


@dataclass(frozen=True, slots=True)
class SlotLoader:
    """Loads slot `number`, from 0, of a device; `beside` those of its other slots."""

    open: Callable[[int], Engine]
    number: int = 0

    def __call__(self) -> Engine:
        return self.open(self.number)

    def beside(self, number: int) -> "SlotLoader":
        """Of the same device."""
        return replace(self, number=number)

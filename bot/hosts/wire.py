"""What goes between the bot and an actor: plain values, so that both sides can be told apart."""

import io
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal

from PIL import Image

from pipeline import errors
from pipeline.engine.protocol import DrawnPicture, Expected, ModelDescription
from pipeline.errors import EkakiError, EngineError, InputError, ModelError

_KINDS: Final[dict[str, type[EkakiError]]] = {
    kind.__name__: kind for kind in (EngineError, InputError, ModelError, errors.StorageError)
}
_PREVIEW_QUALITY: Final = 80


@dataclass(frozen=True, slots=True)
class StepDone:
    """Step `step` of `steps` is done. `preview`: a JPEG, or None where nothing changed since.
    `face` of `faces`: whose steps they are; 0 for those of the picture."""

    step: int
    steps: int
    preview: bytes | None
    face: int = 0
    faces: int = 0


@dataclass(frozen=True, slots=True)
class PictureDone:
    """The finished picture as a PNG."""

    png: bytes
    seed: int
    elapsed_s: float
    seconds_a_step: float
    decoder: str = ""
    faces: int = 0
    faces_s: float = 0.0

    def picture(self) -> DrawnPicture:
        """With its pixels."""
        return DrawnPicture(
            image=decoded(self.png),
            seed=self.seed,
            elapsed_s=self.elapsed_s,
            seconds_a_step=self.seconds_a_step,
            decoder=self.decoder,
            faces=self.faces,
            faces_s=self.faces_s,
        )


@dataclass(frozen=True, slots=True)
class Failure:
    """Drawing or loading failed, or stopped because it was cancelled. `broken`: the engine did what
    it may not."""

    kind: Literal["known", "broken", "cancelled"]
    name: str = ""
    key: str = ""
    data: tuple[tuple[str, object], ...] = ()
    problem: str = ""

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        """What `error` says."""
        if isinstance(error, errors.Cancelled):
            return cls("cancelled")
        if isinstance(error, EkakiError):
            data = tuple((name, _plain(value)) for name, value in error.data.items())
            return cls("known", name=type(error).__name__, key=error.key, data=data)
        return cls("broken", problem=f"{type(error).__name__}: {error}")

    def error(self) -> EkakiError:
        """The error itself, of an engine that is not broken."""
        kind = _KINDS.get(self.name, EngineError)
        return kind(self.key or "engine_failed", **dict(self.data))


Event = StepDone | PictureDone | Failure


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def encoded(image: Image.Image) -> bytes:
    """A PNG of exactly these pixels."""
    output = io.BytesIO()
    image.save(output, "PNG", compress_level=1)
    return output.getvalue()


def decoded(png: bytes) -> Image.Image:
    """The picture in `png`, whole."""
    image = Image.open(io.BytesIO(png))
    image.load()
    return image


def preview_of(image: Image.Image) -> bytes:
    """A small JPEG."""
    output = io.BytesIO()
    image.convert("RGB").save(output, "JPEG", quality=_PREVIEW_QUALITY)
    return output.getvalue()


def described(model: ModelDescription) -> dict[str, Any]:
    """As plain values."""
    return asdict(model)


def description_of(values: dict[str, Any]) -> ModelDescription:
    """What `described` gave, of any version: unknown fields are passed over. TypeError."""
    known = {each.name for each in fields(ModelDescription)}
    found = {name: value for name, value in values.items() if name in known}
    expected: dict[str, Any] | None = found.get("expected")
    if isinstance(expected, dict):
        of_expected = {each.name for each in fields(Expected)}
        found["expected"] = Expected(
            **{name: value for name, value in expected.items() if name in of_expected}
        )
    return ModelDescription(**found)

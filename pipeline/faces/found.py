"""What a face finder says. No numpy, no Pillow."""

from dataclasses import dataclass
from typing import Protocol

from PIL.Image import Image

from pipeline.canvas import Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """`box`: pixels, inside of the picture. `score`: the higher the surer; only comparable with
    those of the same finder."""

    box: Box
    score: float


class FaceFinder(Protocol):
    """Finds the faces of drawn figures. Used by one thread at a time."""

    def find(self, image: Image) -> list[Face]:
        """The faces in an RGB picture, the surest first; the same for the same pixels. No face lies
        in the middle of another. EngineError if it fails."""
        ...

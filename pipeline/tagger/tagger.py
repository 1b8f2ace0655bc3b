"""A loaded tagger with the contract of the WD v3 models.

Input NHWC float32, BGR, 0 to 255; output (batch, tags) probabilities in the order of its table.
Always on the processor, so that it never competes with drawing for the card's memory.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from PIL.Image import Image

from pipeline.errors import EngineError, ModelError
from pipeline.runtime.ports import Array
from pipeline.runtime.sessions import OrtSession, open_on_cpu
from pipeline.runtime.threads import default_threads
from pipeline.tagger.folder import GRAPH, TABLE, tagger_name
from pipeline.tagger.labels import Labels, read_labels
from pipeline.tagger.picture import as_input
from pipeline.tagger.tagging import LEAST_SCORE, Tagging

_MOST_THREADS: Final = 4
"""More gain little for one picture of 448x448, and the others are drawing meanwhile."""


def tagger_threads() -> int:
    """Half of what may draw, at most four."""
    return max(1, min(_MOST_THREADS, default_threads() // 2))


class Tagger:
    """`Tagger.open(folder)` loads it, which takes seconds. `tag` may be called by one thread at a
    time."""

    def __init__(self, *, name: str, session: OrtSession, labels: Labels, side: int) -> None:
        self.name = name
        self.labels = labels
        self.side = side
        self._session = session
        (self._input,), (self._output,) = session.inputs, session.outputs

    @classmethod
    def open(cls, folder: Path, *, threads: int | None = None) -> "Tagger":
        """Load graph and table. ModelError `tagger_unreadable` if invalid or mismatched."""
        labels = read_labels(folder / TABLE)
        session = open_on_cpu(folder / GRAPH, threads=threads or tagger_threads())
        side = _side(session, folder)
        tagger = cls(name=tagger_name(folder), session=session, labels=labels, side=side)
        tagger.check(folder)
        return tagger

    def check(self, folder: Path) -> None:
        """Run once on an empty picture, to find a mismatch at start."""
        blank = np.full((1, self.side, self.side, 3), 255, np.float32)
        try:
            _check(self._run(blank), self.labels)
        except EngineError as error:
            problem = str(error.data.get("problem", error.key))
            raise ModelError("tagger_unreadable", path=str(folder), problem=problem) from error

    def tag(self, image: Image) -> Tagging:
        """What `image` shows. EngineError if the run fails or returns invalid probabilities."""
        scores = self._run(as_input(image, self.side))
        _check(scores, self.labels)
        general, sensitive, questionable, explicit = (
            float(scores[column]) for column in self.labels.ratings
        )
        return Tagging(
            ratings=(general, sensitive, questionable, explicit),
            general=_sorted(scores, self.labels.general),
            characters=_sorted(scores, self.labels.characters),
        )

    def _run(self, picture: Array) -> Array:
        return self._session.run({self._input: picture})[self._output][0]


def _side(session: OrtSession, folder: Path) -> int:
    """Pixels, from the input's shape (batch, side, side, 3)."""
    shapes = [port.shape for port in session.inputs.values()]
    match shapes:
        case [(_, int(height), int(width), 3)] if height == width and len(session.outputs) == 1:
            return height
        case _:
            problem = f"input of shape {shapes}, wanted is one (batch, side, side, 3)"
            raise ModelError("tagger_unreadable", path=str(folder), problem=problem)


def _check(scores: Array, labels: Labels) -> None:
    """Reject invalid numbers, so that no picture passes because of them."""
    if scores.shape != (labels.count,):
        problem = f"output of shape {scores.shape}, its table has {labels.count} rows"
        raise EngineError("inference_failed", problem=problem)
    if not (np.isfinite(scores).all() and scores.min() >= 0 and scores.max() <= 1.001):
        raise EngineError("inference_failed", problem="scores that are no probabilities")
    if scores[list(labels.ratings)].sum() <= 0:
        raise EngineError("inference_failed", problem="no rating at all")


def _sorted(scores: Array, columns: Mapping[str, int]) -> dict[str, float]:
    found = {name: float(scores[column]) for name, column in columns.items()}
    kept = [(name, score) for name, score in found.items() if score >= LEAST_SCORE]
    return dict(sorted(kept, key=lambda pair: -pair[1]))

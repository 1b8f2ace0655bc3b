"""`python -m benchmarks ways`: what redrawing, extending, parts, comparing and faces cost.

The demo model draws 1024x1024 in the usual steps, each way in turn, so that a busy machine hurts
all of them. Its UNet is so small that decoding takes most of the time; what SDXL computes in the
same ways is counted beside, without the encoder.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from PIL import Image

from benchmarks.bench_engine import REQUEST, Unwatched
from benchmarks.budget import Budget
from benchmarks.report import Row
from data.shipped.paths import DEMO_MODEL
from pipeline.canvas import Box, Extend
from pipeline.card import DEFAULT_STEPS
from pipeline.engine.protocol import Engine
from pipeline.faces.found import Face
from pipeline.faces.second_pass import SecondPass
from pipeline.load import import_engine, load_engine
from pipeline.model.options import EngineOptions
from pipeline.regions import Place, Region
from pipeline.request import ResolvedRequest
from pipeline.rework import DEFAULT_STRENGTH, EXTEND_STRENGTH, FACE_SIDE
from pipeline.speed.cost import WHOLE, face_cost, face_row_steps, picture_cost, row_steps_of
from pipeline.speed.work import sdxl_work

ROUNDS: Final = 5
_SIDE: Final = 1024
_GIVEN: Final = "0" * 64

PLAIN: Final = replace(REQUEST, width=_SIDE, height=_SIDE, num_inference_steps=DEFAULT_STEPS)
_FROM: Final = replace(PLAIN, init_picture=_GIVEN)
_PARTS: Final = (
    Region(place=Place.LEFT, prompt="1girl, red hair"),
    Region(place=Place.RIGHT, prompt="1girl, blue hair"),
)
_COMPARED: Final = replace(
    PLAIN, count=2, compared=(PLAIN, replace(PLAIN, guidance_scale=5.0)), seed=PLAIN.seed
)
WAYS: Final = {
    "plain": PLAIN,
    "redraw of a half, strength 0.75": replace(_FROM, mask=_GIVEN, strength=DEFAULT_STRENGTH),
    "zoom out 2x": replace(_FROM, extend=Extend.ZOOM_2, strength=EXTEND_STRENGTH),
    "two parts side by side": replace(PLAIN, regions=_PARTS),
    "comparison of two": _COMPARED,
    "one small face drawn again": replace(PLAIN, faces=True),
    "one small face of a picture that is there": replace(_FROM, faces=True, only_faces=True),
}


class _One:
    """Says that there is one small face, wherever it is: finding it takes as long as it takes."""

    def find(self, image: Image.Image) -> list[Face]:
        side = image.width // 5
        return [Face(box=Box(left=side, top=side, right=2 * side, bottom=2 * side), score=1.0)]


def run(budget: Budget) -> list[Row]:
    """All figures, for `make bench`."""
    import_engine("own")
    options = EngineOptions(model=str(DEMO_MODEL), models_dir=Path(), provider="cpu")
    loaded = load_engine(options, progress=lambda _: None)
    engine = SecondPass(loaded.engine if isinstance(loaded, SecondPass) else loaded, _One())
    try:
        given = engine.draw(PLAIN, 0, Unwatched()).image
        mask = Image.new("L", given.size, 0)
        mask.paste(255, (0, 0, _SIDE, _SIDE // 2))
        return _rows(_measured(_drawing(engine, given, mask), budget))
    finally:
        engine.close()


def _drawing(engine: Engine, given: Image.Image, mask: Image.Image) -> Callable[[str], float]:
    """What draws a way once, and returns its seconds."""

    def seconds(name: str) -> float:
        request = WAYS[name]
        began = time.perf_counter()
        for index in range(request.count):
            single, at = request.single(index), request.index_in(index)
            engine.draw(single, at, Unwatched(), init_image=given, mask_image=mask)
        return time.perf_counter() - began

    return seconds


def _measured(draw: Callable[[str], float], budget: Budget) -> dict[str, list[float]]:
    """Seconds of each way, in rounds; one at least."""
    found: dict[str, list[float]] = {name: [] for name in WAYS}
    for number in range(ROUNDS):
        began = time.monotonic()
        for name, taken in found.items():
            taken.append(draw(name))
        if number + 1 < ROUNDS and not budget.allows(time.monotonic() - began):
            break
    return found


def _rows(found: Mapping[str, list[float]]) -> list[Row]:
    """A row for each way, beside the plain picture of its round."""
    rows = [
        Row(
            name,
            cells={
                "seconds, median": f"{statistics.median(taken):.2f}",
                "times a plain picture": f"{_ratio(taken, found['plain']):.2f}",
                "SDXL's operations, times a plain picture's": f"{_computed(name):.2f}",
                "counts as": f"{_counted(name):g}",
            },
        )
        for name, taken in found.items()
    ]
    return [*rows, Row("rounds", str(len(found["plain"])))]


def _ratio(taken: list[float], plain: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(taken, plain, strict=True))


def _computed(name: str) -> float:
    """What SDXL computes for a way, with one face where faces are drawn; of a plain picture's."""
    request = WAYS[name]
    singles = [request.single(index) for index in range(request.count)]
    return sum(map(_operations, singles)) / _operations(PLAIN)


def _operations(request: ResolvedRequest) -> float:
    work = sdxl_work(width=request.width, height=request.height)
    found = 0.0
    if not request.only_faces:
        found += row_steps_of(request) * work.unet.total + work.decoder.total
    if request.faces:
        face = sdxl_work(width=FACE_SIDE, height=FACE_SIDE)
        found += face_row_steps(request) * face.unet.total + face.decoder.total
    return found


def _counted(name: str) -> float:
    """Pictures towards limits, with one face where faces are drawn."""
    request = WAYS[name]
    faces = face_cost(request) if request.faces and not request.only_faces else 0
    cost = picture_cost(request) + faces
    return request.count * cost / WHOLE

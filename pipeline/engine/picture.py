"""One picture from its request to its pixels, step by step."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Protocol

from PIL import Image

from pipeline.engine.protocol import DrawnPicture, Watch, go_on
from pipeline.engine.rows import Floats, Row
from pipeline.request import ResolvedRequest

Images = tuple[Image.Image | None, Image.Image | None]
"""To start from, and its mask."""


class RowEngine(Protocol):
    """Draws a picture in parts: `pipeline.engine.own.OwnEngine`."""

    def begin(
        self,
        request: ResolvedRequest,
        index: int,
        *,
        init_image: Image.Image | None = None,
        mask_image: Image.Image | None = None,
    ) -> Row:
        """The picture as a row before its first step."""
        ...

    def finish(self, row: Row, *, between: Callable[[], None] = ...) -> Image.Image:
        """The picture of a finished row."""
        ...

    def preview(self, predicted: Floats | None, step_s: float) -> Image.Image | None:
        """Of the prediction of a step that took `step_s`."""
        ...

    def decoder_name(self, row: Row) -> str:
        """What decodes `row`, if not the model's own decoder."""
        ...


class Turns(Protocol):
    """When the parts of a picture may run."""

    def beginning(self, request: ResolvedRequest) -> AbstractContextManager[None]:
        """For `RowEngine.begin`."""
        ...

    def member(self, row: Row) -> AbstractContextManager[None]:
        """For all steps of `row`."""
        ...

    def step(self, row: Row) -> int:
        """One step of `row`. The number of pictures that it drew."""
        ...

    def alone(self) -> AbstractContextManager[None]:
        """For `RowEngine.finish`."""
        ...


class Alone:
    """Turns of an engine that draws one picture at a time: always."""

    def __init__(self, step: Callable[[list[Row]], None]) -> None:
        self._step = step

    def beginning(self, request: ResolvedRequest) -> AbstractContextManager[None]:  # noqa: ARG002 - see `Turns`
        return nullcontext()

    def member(self, row: Row) -> AbstractContextManager[None]:  # noqa: ARG002 - see `Turns`
        return nullcontext()

    def step(self, row: Row) -> int:
        self._step([row])
        return 1

    def alone(self) -> AbstractContextManager[None]:
        return nullcontext()


def draw_picture(
    engine: RowEngine,
    request: ResolvedRequest,
    index: int,
    watch: Watch,
    images: Images,
    *,
    turns: Turns,
) -> DrawnPicture:
    """See `Engine.draw`. A preview is made of the x0 prediction of the step just done."""
    began = time.perf_counter()
    go_on(watch)
    with turns.beginning(request):
        row = engine.begin(request, index, init_image=images[0], mask_image=images[1])
    stepping_s, drawn = 0.0, 0
    with turns.member(row):
        while not row.done:
            go_on(watch)
            step_began = time.perf_counter()
            drawn += turns.step(row)
            step_s = time.perf_counter() - step_began
            stepping_s += step_s
            preview = partial(engine.preview, row.predicted, step_s)
            watch.on_step(row.steps_done, row.steps, preview)
    go_on(watch)
    with turns.alone():
        image = engine.finish(row, between=lambda: go_on(watch))
    return DrawnPicture(
        image=image,
        seed=request.seed_of(index),
        elapsed_s=time.perf_counter() - began,
        seconds_a_step=stepping_s / row.steps,
        decoder=engine.decoder_name(row),
        at_once=drawn / row.steps,
    )

"""Checks that an engine gave what it promises."""

import math

from PIL import Image

from bot.common.work_thread import BrokenWorkError
from pipeline.engine.protocol import DrawnPicture
from pipeline.request import ResolvedRequest


def check_drawn(drawn: object, request: ResolvedRequest) -> None:
    """Raise BrokenWorkError if that is no picture of `request`."""
    if not isinstance(drawn, DrawnPicture) or not isinstance(drawn.image, Image.Image):  # pyright: ignore[reportUnnecessaryIsInstance] - an engine may break its word
        raise BrokenWorkError(f"it gave no picture, but {type(drawn).__name__}")
    image = drawn.image
    try:
        image.load()  # Pillow loads lazily
    except Exception as error:
        raise BrokenWorkError(f"its picture can't be read: {error}") from error
    if image.mode != "RGB":
        raise BrokenWorkError(f"its picture is {image.mode}, not RGB")
    # Don't check the exact size: engines in tests draw small pictures.
    skew = abs(image.width * request.height - image.height * request.width)
    fits = 0 < image.width <= request.width and 0 < image.height <= request.height
    if not fits or skew >= max(request.width, request.height):
        raise BrokenWorkError(
            f"its picture has {image.width}x{image.height} pixels,"
            f" not {request.width}x{request.height}"
        )
    for seconds in (drawn.elapsed_s, drawn.seconds_a_step):
        if not math.isfinite(seconds) or seconds < 0:
            raise BrokenWorkError(f"its picture took {seconds} s")

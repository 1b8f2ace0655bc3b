"""Pictures as PNG bytes with the text that other tools read from them."""

import io
from typing import Final

from PIL import Image, PngImagePlugin, UnidentifiedImageError

PARAMETERS_KEY: Final = "parameters"
"""The text chunk in which A1111 and its relatives keep prompt and settings."""

DEFAULT_LEVEL: Final = 1
"""zlib level: at 1024x1024 90 ms, level 6 takes 359 ms for a few per cent (measured)."""

MAX_TEXT_BYTES: Final = 64 * 1024
"""Longer text is not looked at when reading: no prompt of ours is, and files come from anybody."""


def encode_png(image: Image.Image, parameters: str, level: int = DEFAULT_LEVEL) -> bytes:
    """`image` as PNG with `parameters` as its text; an empty text leaves the chunk out.

    Latin-1 text goes into a tEXt chunk, other text into iTXt (UTF-8), as A1111 writes both. Takes
    about 0.1 s for a megapixel and frees the GIL: call it in a thread.
    """
    info = PngImagePlugin.PngInfo()
    if parameters:
        info.add_text(PARAMETERS_KEY, parameters.replace("\0", ""))
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", pnginfo=info, compress_level=level)
    return buffer.getvalue()


def read_parameters(data: bytes) -> str | None:
    """The `parameters` text of a PNG; None where there is none or `data` is no PNG."""
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            found: object = image.info.get(PARAMETERS_KEY)
            if found is None:  # chunks may follow the pixels
                image.load()
                found = image.info.get(PARAMETERS_KEY)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        return None
    if not isinstance(found, str) or len(found) > MAX_TEXT_BYTES:
        return None
    return str(found)

"""Pictures in a form that Discord accepts. All functions take time: call them in a thread."""

import io

from PIL import Image

from pipeline.metadata.credentials import Sign
from pipeline.metadata.provenance import XMP_BYTES

PREVIEW_SIDE = 320  # pixels of the longer side: it is shown for seconds
_QUALITIES = (95, 90, 80, 60)


def preview_jpeg(image: Image.Image) -> bytes:
    """A small JPEG of an unfinished picture."""
    small = image.convert("RGB")
    small.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    return _encoded(small, "JPEG", 80)


def fit(png: bytes, limit_bytes: int, sign: Sign) -> tuple[bytes, str]:
    """The file to upload and its suffix: the PNG itself, or WebP of decreasing quality; signed.

    The last try is returned even if it is too large.
    """
    if len(png) <= limit_bytes:
        encoded = sign(png, "png")
        if len(encoded) <= limit_bytes:
            return encoded, "png"
    encoded = png
    with Image.open(io.BytesIO(png)) as image:
        for quality in _QUALITIES:
            encoded = sign(_encoded(image, "WEBP", quality), "webp")
            if len(encoded) <= limit_bytes:
                break
    return encoded, "webp"


def _encoded(image: Image.Image, kind: str, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, quality=quality, xmp=XMP_BYTES)
    return out.getvalue()

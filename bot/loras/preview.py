"""Preview pictures of LoRAs: made small, without the notes that are in them."""

import io
from pathlib import Path
from typing import Final

from PIL import Image, ImageOps

from pipeline.errors import InputError

MAX_SIDE: Final = 768
_MAX_PIXELS: Final = 100_000_000


def make_preview(path: Path) -> bytes:
    """The picture at `path` as WebP with sides of at most MAX_SIDE. InputError `lora_preview`."""
    try:
        with Image.open(path, formats=("PNG", "JPEG", "WEBP", "GIF")) as picture:
            if picture.width * picture.height > _MAX_PIXELS:
                raise ValueError("it is too large")  # noqa: TRY301
            upright = ImageOps.exif_transpose(picture).convert("RGB")
    except FileNotFoundError as error:
        raise InputError("lora_preview", path=str(path), problem="there is no such file") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        problem = str(error) if isinstance(error, ValueError) else "it is no PNG, JPEG or WebP"
        raise InputError("lora_preview", path=str(path), problem=problem) from error
    upright.thumbnail((MAX_SIDE, MAX_SIDE))
    output = io.BytesIO()
    upright.save(output, "WEBP", quality=88)
    return output.getvalue()

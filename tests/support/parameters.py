"""A1111's text about a picture, as PIL reads it: not with the reader of ours."""

import io

from PIL import Image

from pipeline.metadata.png import PARAMETERS_KEY


def read_parameters(data: bytes) -> str | None:
    """The `parameters` text of the PNG `data`; None where there is none."""
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        found = image.info.get(PARAMETERS_KEY)
    return found if isinstance(found, str) else None

"""The faces of a picture as a mask, for redrawing them by name."""

import io
from functools import partial
from pathlib import Path

from PIL import Image

from bot.common.work_thread import in_a_thread
from pipeline.errors import InputError
from pipeline.faces.plan import grown
from pipeline.metadata.png import encode_png

_LEVEL = 6  # two colours: small, and still fast


class FaceAreas:
    """`path`: the file of the finder, read when it is first needed; None: there is none."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    @property
    def available(self) -> bool:
        """Whether faces can be found."""
        return self._path is not None

    async def mask(self, png: bytes) -> bytes:
        """The mask of all faces in a picture of ours, as a PNG. InputError `faces_none`, or
        `faces_nowhere` if there are none; ModelError if the finder can't be read."""
        if self._path is None:
            raise InputError("faces_none")
        return await in_a_thread(partial(_mask, png, self._path))


def _mask(png: bytes, path: Path) -> bytes:
    """Takes about a second."""
    from pipeline.faces.cascade import CascadeFinder
    from pipeline.faces.cascade_file import read_cascade

    with Image.open(io.BytesIO(png)) as opened:
        image = opened.convert("RGB")
    faces = CascadeFinder(read_cascade(path)).find(image)
    if not faces:
        raise InputError("faces_nowhere")
    mask = Image.new("L", image.size, 0)
    for face in faces:
        box = grown(face.box)
        mask.paste(255, (box.left, box.top, box.right, box.bottom))
    return encode_png(mask, "", _LEVEL)

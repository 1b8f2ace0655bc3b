"""The labelled sheet of a comparison. `sheet_of` takes time: call it in a thread."""

import io
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Final

from PIL import Image, ImageDraw, ImageFont, ImageOps

from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from pipeline.compare import read_comparison
from pipeline.errors import InputError
from pipeline.metadata.a1111_text import parameters_text
from pipeline.metadata.png import encode_png
from pipeline.metadata.provenance import XMP

CELL_SIDE: Final = 768  # pixels of the longer side of a picture
LABEL_HEIGHT: Final = 72
_GAP: Final = 8
_FONT_SIZE: Final = 44
_GROUND: Final = (43, 45, 49)  # Discord's dark theme; on the light one it is a frame
_EMPTY: Final = (60, 62, 68)
_WHITE: Final = (255, 255, 255)


def labels_of(job: JobRecord) -> tuple[str, ...]:
    """What each picture of a comparison was drawn with: `cfg 5`. Empty for other jobs."""
    if not job.request.compared or job.request.original.compare is None:
        return ()
    try:
        comparison = read_comparison(job.request.original.compare)
    except InputError:  # of a version that knew another option
        return ()
    return tuple(f"{comparison.option.name} {value}" for value in comparison.values)


def sheet_of(
    job: JobRecord, pictures: Sequence[PictureRecord], files: Sequence[bytes]
) -> bytes | None:
    """A PNG of `pictures` (with their PNG `files`) side by side, each below what it was drawn with;
    its text says all of it. None where there is nothing to compare."""
    labels = labels_of(job)
    if not labels or len(pictures) < 2:
        return None
    shown = {each.position: file for each, file in zip(pictures, files, strict=True)}
    first = pictures[0]
    text = parameters_text(
        job.request.single(first.position),
        index=0,
        model_name=first.model_name,
        model_hash=first.model_hash,
        version=f"Ekaki {version('ekaki')}",
    )
    comparison = read_comparison(job.request.original.compare or "")
    kind = comparison.option.a1111 or comparison.option.name
    values = json.dumps(", ".join(comparison.values), ensure_ascii=False)
    text += f", Script: X/Y/Z plot, X Type: {kind}, X Values: {values}"
    sheet = _drawn(labels, shown, width=first.width, height=first.height)
    return encode_png(sheet, text, xmp=XMP)


def _drawn(
    labels: Sequence[str], shown: Mapping[int, bytes], *, width: int, height: int
) -> Image.Image:
    """Wide pictures stand in two columns, others in one row."""
    scale = min(1.0, CELL_SIDE / max(width, height))
    cell = round(width * scale), round(height * scale)
    columns = min(2, len(labels)) if width > height else len(labels)
    rows = -(-len(labels) // columns)
    down = cell[1] + LABEL_HEIGHT
    size = (columns * (cell[0] + _GAP) - _GAP, rows * (down + _GAP) - _GAP)
    sheet = Image.new("RGB", size, _GROUND)
    for index, label in enumerate(labels):
        row, column = divmod(index, columns)
        left, top = column * (cell[0] + _GAP), row * (down + _GAP)
        _write(sheet, f"{index + 1}   {label}", left=left, top=top, width=cell[0])
        sheet.paste(_picture(shown.get(index), cell), (left, top + LABEL_HEIGHT))
    return sheet


def _picture(file: bytes | None, cell: tuple[int, int]) -> Image.Image:
    """None: a picture that is not shown."""
    if file is None:
        return Image.new("RGB", cell, _EMPTY)
    with Image.open(io.BytesIO(file)) as image:
        return ImageOps.fit(image.convert("RGB"), cell)


def _write(sheet: Image.Image, label: str, *, left: int, top: int, width: int) -> None:
    """As much of it as fits. Pillow's own font has Latin letters only: of others only the number,
    which the message explains."""
    font = ImageFont.load_default(size=_FONT_SIZE)
    draw = ImageDraw.Draw(sheet)
    if not label.isascii():
        label = label.split(maxsplit=1)[0]
    while len(label) > 1 and draw.textlength(label, font=font) > width - 2 * _GAP:
        label = label.removesuffix("...")[:-1] + "..." if len(label) > 4 else label[:-1]
    middle = (left + _GAP, top + LABEL_HEIGHT / 2)
    draw.text(middle, label, fill=_WHITE, font=font, anchor="lm")

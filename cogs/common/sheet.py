"""A contact sheet of several small pictures with their numbers. Takes time: call it in a thread."""

import io
from collections.abc import Sequence
from typing import Final

from PIL import Image, ImageDraw, ImageFont, ImageOps, UnidentifiedImageError

from pipeline.metadata.provenance import XMP_BYTES

COLUMNS: Final = 3
CELL_WIDTH: Final = 264  # pixels; three of them are as wide as Discord shows a picture
CELL_HEIGHT: Final = 352
_GAP = 8
_GROUND = (43, 45, 49)  # Discord's dark theme; on the light one it is a frame
_EMPTY = (60, 62, 68)
_BADGE_SIDE = 34


def contact_sheet(pictures: Sequence[bytes | None]) -> bytes:
    """A JPEG of `pictures` (files; None: an empty cell) in reading order, numbered from 1."""
    columns = min(COLUMNS, max(1, len(pictures)))
    rows = max(1, -(-len(pictures) // COLUMNS))
    sheet = Image.new(
        "RGB",
        (columns * (CELL_WIDTH + _GAP) - _GAP, rows * (CELL_HEIGHT + _GAP) - _GAP),
        _GROUND,
    )
    for index, picture in enumerate(pictures):
        row, column = divmod(index, COLUMNS)
        cell = _cell(picture)
        _number(cell, index + 1)
        sheet.paste(cell, (column * (CELL_WIDTH + _GAP), row * (CELL_HEIGHT + _GAP)))
    out = io.BytesIO()
    sheet.save(out, "JPEG", quality=85, xmp=XMP_BYTES)
    return out.getvalue()


def _cell(picture: bytes | None) -> Image.Image:
    """The whole picture, as large as the cell allows, in its middle."""
    cell = Image.new("RGB", (CELL_WIDTH, CELL_HEIGHT), _GROUND if picture else _EMPTY)
    if picture is None:
        return cell
    try:
        with Image.open(io.BytesIO(picture)) as image:
            small = ImageOps.contain(image.convert("RGB"), (CELL_WIDTH, CELL_HEIGHT))
    except (UnidentifiedImageError, OSError):  # a damaged file must not hide the others
        return Image.new("RGB", (CELL_WIDTH, CELL_HEIGHT), _EMPTY)
    cell.paste(small, ((CELL_WIDTH - small.width) // 2, (CELL_HEIGHT - small.height) // 2))
    return cell


def _number(cell: Image.Image, number: int) -> None:
    """A badge in the corner, readable on any picture."""
    draw = ImageDraw.Draw(cell)
    draw.rectangle((0, 0, _BADGE_SIDE, _BADGE_SIDE), fill=(0, 0, 0))
    middle = (_BADGE_SIDE / 2, _BADGE_SIDE / 2)
    font = ImageFont.load_default(size=24)
    draw.text(middle, str(number), fill=(255, 255, 255), font=font, anchor="mm")

"""Many pictures as one."""

from collections.abc import Sequence

from PIL import Image


def grid(
    pictures: Sequence[Image.Image], *, columns: int, width: int, smooth: bool = True
) -> Image.Image:
    """Rows of pictures, each `width` wide, all as tall as the tallest."""
    how = Image.Resampling.LANCZOS if smooth else Image.Resampling.BICUBIC
    small = [
        picture.resize((width, round(picture.height * width / picture.width)), how)
        for picture in pictures
    ]
    height = max(picture.height for picture in small)
    rows = (len(small) + columns - 1) // columns
    sheet = Image.new("RGB", (columns * width, rows * height), (255, 255, 255))
    for index, picture in enumerate(small):
        sheet.paste(picture, (index % columns * width, index // columns * height))
    return sheet


def flow(pictures: Sequence[Image.Image], *, width: int, height: int, gap: int = 6) -> Image.Image:
    """Pictures of different sizes, each `height` tall, in rows of at most `width`."""
    small = [
        picture.resize((round(picture.width * height / picture.height), height))
        for picture in pictures
    ]
    places: list[tuple[int, int]] = []
    x = y = 0
    for picture in small:
        if x and x + picture.width > width:
            x, y = 0, y + height + gap
        places.append((x, y))
        x += picture.width + gap
    sheet = Image.new("RGB", (width, y + height), (255, 255, 255))
    for picture, place in zip(small, places, strict=True):
        sheet.paste(picture, place)
    return sheet

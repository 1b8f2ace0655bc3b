"""Drawn pictures for the README's screenshots: what the demo model learns from, by our own code."""

import io
import random
from collections.abc import Iterator
from typing import Final

from PIL import Image

from benchmarks.gallery_rows import START, Item
from data.files.picture_files import PictureFiles
from training.demo.captions import full_caption
from training.demo.drawing import render
from training.demo.labels import described, labels_of
from training.demo.look import sample_look

SIZES: Final = ((832, 1216), (1024, 1024), (1216, 832), (896, 1152), (832, 1216), (768, 1344))
PEOPLE: Final = ("Hanako", "Mika", "Alice", "Olga", "さくら", "Bob")


def drawings(files: PictureFiles, count: int) -> Iterator[Item]:
    """`count` drawings with their tags, the last one the latest."""
    rng = random.Random(11)
    for number in range(count):
        look = sample_look(rng, placards=False)
        width, height = rng.choice(SIZES)
        buffer = io.BytesIO()
        pixels = render(look, width=width, height=height, scale=3 / 4)
        Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
        maker = rng.randrange(len(PEOPLE))
        yield Item(
            prompt=", ".join(full_caption(described(labels_of(look, degraded=False)))),
            content_hash=files.write(buffer.getvalue()),
            maker_id=7 + maker,
            maker_name=PEOPLE[maker],
            width=width,
            height=height,
            votes=int(rng.paretovariate(0.9)) + 2,
            posted_at=START + 7200.0 * number,
        )

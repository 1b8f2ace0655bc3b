"""What people call the sizes of pictures."""

from data.shipped.text import text
from pipeline.aspect import Bucket


def size_label(bucket: Bucket) -> str:
    """`Portrait, about 2:3 (832x1216)`, in the language that is spoken.

    `pipeline.aspect.parse_aspect` reads it again.
    """
    key = "sizes.exact" if bucket.about == bucket.ratio else "sizes.about"
    name = text(f"sizes.{bucket.name}")
    return text(key, name=name, ratio=bucket.about, pixels=bucket.pixels)

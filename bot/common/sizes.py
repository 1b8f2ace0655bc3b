"""Names of picture sizes for people."""

from data.shipped.text import text
from pipeline.aspect import BUCKETS, Bucket


def size_label(bucket: Bucket) -> str:
    """`Portrait, about 2:3 (832x1216)`, in the current language.

    `pipeline.aspect.parse_aspect` reads it again.
    """
    key = "sizes.exact" if bucket.about == bucket.ratio else "sizes.about"
    name = text(f"sizes.{bucket.name}")
    return text(key, name=name, ratio=bucket.about, pixels=bucket.pixels)


def pixels_label(pixels: str) -> str:
    """The same for `832x1216`; pixels of no such size as they are."""
    return next((size_label(bucket) for bucket in BUCKETS if bucket.pixels == pixels), pixels)

"""Files that Discord takes."""

import io

from PIL import Image

from cogs.common.pictures import PREVIEW_SIDE, fit, preview_jpeg
from pipeline.metadata.credentials import Kind, unsigned


def noise_png(side: int) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((side, side), 100).convert("RGB").save(out, "PNG")
    return out.getvalue()


def test_a_png_that_fits_stays_as_it_is() -> None:
    png = noise_png(32)
    assert fit(png, len(png), unsigned) == (png, "png")


def test_a_large_png_becomes_a_webp_of_the_same_size() -> None:
    png = noise_png(256)
    content, suffix = fit(png, len(png) // 2, unsigned)
    assert suffix == "webp"
    assert len(content) <= len(png) // 2
    with Image.open(io.BytesIO(content)) as image:
        assert (image.format, image.size) == ("WEBP", (256, 256))


def test_previews_are_small_jpegs() -> None:
    content = preview_jpeg(Image.new("RGB", (832, 1216), "red"))
    with Image.open(io.BytesIO(content)) as image:
        assert image.format == "JPEG"
        assert max(image.size) == PREVIEW_SIDE


class Longer:
    """Signs, which makes files longer."""

    name = "somebody"

    def __call__(self, content: bytes, kind: Kind) -> bytes:
        return content + kind.encode() + bytes(3000)


def test_a_signature_counts_for_the_limit() -> None:
    png = noise_png(128)
    assert fit(png, len(png) + 5000, Longer()) == (Longer()(png, "png"), "png")
    content, suffix = fit(png, len(png) + 1000, Longer())
    assert suffix == "webp"
    assert content.endswith(b"webp" + bytes(3000))
    assert len(content) <= len(png) + 1000

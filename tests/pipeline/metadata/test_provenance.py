"""Every file of a picture says that a model made it."""

import io
from xml.etree import ElementTree

import pytest
from PIL import Image

from cogs.common.pictures import fit, preview_jpeg
from cogs.common.sheet import contact_sheet
from data.files.thumbnails import shrink
from pipeline.metadata.credentials import unsigned
from pipeline.metadata.png import encode_png
from pipeline.metadata.provenance import SOURCE_TYPE, XMP
from tests.support.parameters import read_parameters

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"


def picture() -> Image.Image:
    return Image.effect_noise((64, 96), 60).convert("RGB")


def source_type(data: bytes) -> str:
    """What the file's XMP packet says, read by an XML parser."""
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        packet = image.info["xmp"]
    [found] = ElementTree.fromstring(packet).iter(f"{{{RDF}}}Description")
    return found.attrib[f"{{{IPTC}}}DigitalSourceType"]


@pytest.mark.parametrize("text", ["", "1girl\nSteps: 28", "日本語"])
def test_a_png_has_the_mark_beside_its_text(text: str) -> None:
    data = encode_png(picture(), text, xmp=XMP)
    assert source_type(data) == SOURCE_TYPE
    assert (read_parameters(data) or "") == text


def test_copies_have_the_mark() -> None:
    png = encode_png(picture(), "", xmp=XMP)
    smaller, suffix = fit(png, 6000, unsigned)
    assert suffix == "webp"
    copies = (smaller, preview_jpeg(picture()), contact_sheet([png, None]), shrink(png, 32))
    for data in copies:
        assert source_type(data) == SOURCE_TYPE


def test_an_upload_that_is_only_cleaned_has_none() -> None:
    with Image.open(io.BytesIO(encode_png(picture(), ""))) as image:
        image.load()
        assert "xmp" not in image.info

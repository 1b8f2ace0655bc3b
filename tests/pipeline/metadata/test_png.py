"""PNG text that A1111's readers find."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.metadata.png import encode_png
from tests.support.parameters import read_parameters


def _image() -> Image.Image:
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    return Image.fromarray(pixels)


def _chunks(data: bytes) -> list[bytes]:
    kinds: list[bytes] = []
    at = 8
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        kinds.append(data[at + 4 : at + 8])
        at += 12 + size
    return kinds


@pytest.mark.parametrize(
    ("text", "kind"), [("1girl\nSteps: 28, Size: 832x1216", b"tEXt"), ("日本語 😀", b"iTXt")]
)
def test_text_comes_back_and_stands_before_the_pixels(text: str, kind: bytes) -> None:
    data = encode_png(_image(), text)
    assert read_parameters(data) == text
    kinds = _chunks(data)
    assert kinds.index(kind) < kinds.index(b"IDAT")


@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200))
def test_any_text_comes_back(text: str) -> None:
    assert (read_parameters(encode_png(_image(), text)) or "") == text.replace("\0", "")


def test_pixels_come_back() -> None:
    import io

    with Image.open(io.BytesIO(encode_png(_image(), "x"))) as image:
        assert image.convert("RGB").tobytes() == _image().tobytes()


def test_without_text_there_is_none() -> None:
    assert read_parameters(encode_png(_image(), "")) is None

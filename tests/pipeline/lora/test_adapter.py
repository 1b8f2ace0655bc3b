"""Adapters that are damaged: whatever is in their header, the error says so."""

import struct
from pathlib import Path

import pytest

from pipeline.lora.adapter import Adapter


@pytest.mark.parametrize(
    "header",
    [
        "",
        "[]",
        "[" * 100_000,
        '{"unet/x/A": 1}',
        '{"unet/x/A": {"dtype": "F16", "shape": [1e400], "data_offsets": [0, 4]}}',
        '{"unet/x/A": {"dtype": "F16", "shape": [-1, -2], "data_offsets": [0, 4]}}',
        '{"unet/x/A": {"dtype": "F16", "shape": [1, 2], "data_offsets": [0.5, 4]}}',
        '{"unet/x/A": {"dtype": "I64", "shape": [1, 2], "data_offsets": [0, 4]}}',
        '{"unet/x/A": {"dtype": "F16", "shape": [1, 2], "data_offsets": [0, 4]}}',
    ],
)
def test_a_damaged_header_is_an_error_of_the_value(header: str, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header.encode() + bytes(4))
    with pytest.raises(ValueError):  # noqa: PT011 - any, in few words
        Adapter.open(path)

"""Adapters that are damaged: whatever is in their header, the error says so."""

import os
import struct
from pathlib import Path

import pytest

from pipeline.errors import InputError
from pipeline.lora.adapter import Adapter, LoraSet, LoraStore
from pipeline.lora.use import LoraUse


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


USE = LoraUse(name="ink", strength=1.0, digest="ab" * 32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    header = (
        b'{"unet/x/A": {"dtype": "F16", "shape": [1, 50000], "data_offsets": [0, 100000]},'
        b'"unet/x/B": {"dtype": "F16", "shape": [50000, 1], "data_offsets": [100000, 200000]}}'
    )
    path = tmp_path / f"{USE.digest}.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(200_000))
    return path


def total(opened: LoraSet) -> float:
    """Reads everything."""
    ((_, pair),) = opened.layers("unet")["x"]
    return sum(float(each.sum()) for each in pair)


def test_a_file_that_is_cut_while_it_is_open_ends_no_process(path: Path) -> None:
    store = LoraStore(path.parent)
    assert total(store.open([USE])) == 0.0
    os.truncate(path, 300)
    with pytest.raises(InputError, match="lora_gone"):
        store.open([USE])


def test_a_file_that_is_removed_while_it_is_open_can_be_drawn_with(path: Path) -> None:
    store = LoraStore(path.parent)
    store.open([USE])
    path.unlink()
    assert total(store.open([USE])) == 0.0
    store.close()
    with pytest.raises(InputError, match="lora_gone"):
        store.open([USE])

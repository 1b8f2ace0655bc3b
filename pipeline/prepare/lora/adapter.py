"""Converts a LoRA to an adapter, the form in which the library keeps it (`pipeline.lora`).

A safetensors file with A and B for each layer, in half precision if that loses nothing and in
single precision otherwise. The same LoRA gives the same bytes.
"""

import hashlib
import json
import math
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from pipeline.errors import ModelError
from pipeline.lora.adapter import rank_axis
from pipeline.model.folder import Component
from pipeline.prepare.lora.file import Floats, LoraFile, unknown_keys
from pipeline.prepare.lora.linear_layers import Linear, LinearLayers
from pipeline.prepare.lora.low_rank import MAX_RANK, pair_of, rank_of, shape_of
from pipeline.prepare.lora.methods import model_of_context
from pipeline.prepare.lora.names import place

Progress = Callable[[int, int], None]
"""Layers done, of how many (each is read twice)."""

_LOSSLESS: Final = 2.0**-14  # of a layer's largest value: a quarter of half precision's rounding
_ALIGNED: Final = 64  # bytes
_CONTEXT: Final = ("attn2_to_k", "attn2_to_v")


def _silent(_done: int, _total: int) -> None:
    """Reports nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """The adapter: its hash (hex), its size, the highest rank, how many layers of which parts, how
    many of them are convolutions. `is_zero`: nothing is changed by it."""

    sha256: str
    size_bytes: int
    rank: int
    layers: int
    parts: tuple[str, ...]
    convolutions: int
    is_zero: bool


@dataclass(frozen=True, slots=True)
class _Change:
    """A layer and what the file has for it, by the file's spelling; several are added."""

    part: Component
    layer: Linear
    spelled: tuple[str, ...]
    rank: int

    @property
    def name(self) -> str:
        return f"{self.part}/{self.layer.module}"


def convert(
    file: LoraFile, layers: LinearLayers, target: Path, *, progress: Progress = _silent
) -> Converted:
    """Write the adapter of `file` (opened with `products`) for models with these `layers`, synced.
    In memory is one layer at a time.

    Raises OSError, and ModelError: what `LoraFile` raises, `lora_method`, `lora_model`,
    `lora_unknown_keys`, `lora_unfit`, `lora_rank`, `lora_not_finite`.
    """
    changes = _changes(file, layers)
    total = 2 * len(changes)
    halved, is_zero = True, True
    for number, change in enumerate(changes, 1):
        a, b = _pair(file, change)
        halved = halved and _is_lossless(a) and _is_lossless(b)
        is_zero = is_zero and not (a.any() and b.any())
        progress(number, total)
    dtype = np.dtype(np.float16 if halved else np.float32)
    with target.open("wb") as output:
        sink = _Sink(output)
        sink.write(_header(changes, dtype))
        for number, change in enumerate(changes, len(changes) + 1):
            for values in _pair(file, change):
                sink.write(values.astype(dtype).tobytes())
            progress(number, total)
        sink.sync()
    return Converted(
        sha256=sink.digest.hexdigest(),
        size_bytes=sink.size_bytes,
        rank=max(change.rank for change in changes),
        layers=len(changes),
        parts=tuple(dict.fromkeys(change.part for change in changes)),
        convolutions=sum(change.layer.kernel > 0 for change in changes),
        is_zero=is_zero,
    )


def _changes(file: LoraFile, layers: LinearLayers) -> list[_Change]:
    """What `file` changes, in order. Raises ModelError."""
    found: dict[tuple[Component, str], _Change] = {}
    unknown: list[str] = []
    for spelled, entry in file.entries.items():
        where = place(spelled, layers_per_block=layers.layers_per_block)
        layer = None if where is None else layers.parts.get(where[0], {}).get(where[1])
        if where is None or layer is None:
            unknown += entry.keys.values()
        else:
            _check_shape(file, spelled, layer)
            known = found.get(where)
            spellings = (*(known.spelled if known else ()), spelled)
            rank = rank_of(file, entry) + (known.rank if known else 0)
            found[where] = _Change(where[0], layer, spellings, rank)
    if unknown:
        raise _other_model(file) or unknown_keys(file.name, unknown)
    for change in found.values():
        if change.rank > MAX_RANK:
            raise ModelError(
                "lora_rank",
                name=file.name,
                layer=change.spelled[0],
                rank=change.rank,
                most=MAX_RANK,
            )
    return [found[where] for where in sorted(found)]


def _check_shape(file: LoraFile, spelled: str, layer: Linear) -> None:
    width, depth, kernel = shape_of(file, file.entries[spelled])
    side = max(1, layer.kernel)
    if kernel is None:
        fits = depth == layer.depth * side**2
    else:
        fits = depth == layer.depth and (kernel or (1, 1)) == (side, side)
    if fits and width == layer.width:
        return
    raise _other_model(file) or ModelError(
        "lora_unfit",
        name=file.name,
        layer=spelled,
        want=_sides(layer.width, layer.depth, *[layer.kernel] * 2 if layer.kernel else ()),
        have=_sides(width, depth, *kernel or ()),
    )


def _sides(*sides: int) -> str:
    return " x ".join(map(str, sides))


def _other_model(file: LoraFile) -> ModelError | None:
    """The error that names another model than SDXL, if the file seems to be made for one."""
    for spelled, entry in file.entries.items():
        if spelled.replace(".", "_").endswith(_CONTEXT):
            _, depth, _ = shape_of(file, entry)
            model = model_of_context(depth)
            if model is not None:
                keys = f"{spelled} takes {depth} values"
                return ModelError("lora_model", name=file.name, model=model, keys=keys)
    return None


def _pair(file: LoraFile, change: _Change) -> tuple[Floats, Floats]:
    """A and B of a layer, with values of about the same size, which half precision holds best."""
    pairs = [pair_of(file, spelled, change.layer.kernel) for spelled in change.spelled]
    axes = pairs[0][0].ndim
    a = np.concatenate([pair[0] for pair in pairs], axis=rank_axis("A", axes))
    b = np.concatenate([pair[1] for pair in pairs], axis=rank_axis("B", axes))
    for values in (a, b):
        if not np.isfinite(values).all():
            raise ModelError("lora_not_finite", name=file.name, tensor=change.spelled[0])
    factor = np.float32(2.0 ** _balance(a, b))
    return a / factor, b * factor


def _balance(a: Floats, b: Floats) -> int:
    """A power of two: by so much the values of A are larger than B's, half of it to each side."""
    high_a, high_b = float(np.abs(a).max()), float(np.abs(b).max())
    if not high_a or not high_b:
        return 0
    return round((math.log2(high_a) - math.log2(high_b)) / 2)


def _is_lossless(values: Floats) -> bool:
    """Whether half precision holds these values."""
    high = float(np.abs(values).max())
    if high > float(np.finfo(np.float16).max):
        return False
    error = np.abs(values.astype(np.float16).astype(np.float32) - values).max()
    return float(error) <= high * _LOSSLESS


def _header(changes: Sequence[_Change], dtype: "np.dtype[np.floating]") -> bytes:
    """Of the safetensors file; its length is a multiple of _ALIGNED."""
    described: dict[str, object] = {"__metadata__": {"format": "ekaki-lora", "version": "1"}}
    kind = "F16" if dtype.itemsize == 2 else "F32"
    at = 0
    for name, dims in _tensors(changes):
        end = at + math.prod(dims) * dtype.itemsize
        described[name] = {"dtype": kind, "shape": dims, "data_offsets": [at, end]}
        at = end
    content = json.dumps(described, separators=(",", ":")).encode()
    content += b" " * (-(len(content) + 8) % _ALIGNED)
    return struct.pack("<Q", len(content)) + content


def _tensors(changes: Sequence[_Change]) -> Iterator[tuple[str, tuple[int, ...]]]:
    for change in changes:
        layer, rank = change.layer, change.rank
        if layer.kernel:
            yield f"{change.name}/A", (rank, layer.depth, layer.kernel, layer.kernel)
            yield f"{change.name}/B", (layer.width, rank, 1, 1)
        else:
            yield f"{change.name}/A", (layer.depth, rank)
            yield f"{change.name}/B", (rank, layer.width)


class _Sink:
    """Writes and hashes."""

    def __init__(self, output: BinaryIO) -> None:
        self._output = output
        self.digest = hashlib.sha256()
        self.size_bytes = 0

    def write(self, content: bytes) -> None:
        self._output.write(content)
        self.digest.update(content)
        self.size_bytes += len(content)

    def sync(self) -> None:
        self._output.flush()
        os.fsync(self._output.fileno())

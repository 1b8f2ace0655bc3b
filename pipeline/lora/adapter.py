"""Adapters: LoRAs as the library keeps them, one file each, mapped rather than read.

A file is `<SHA-256>.safetensors` and has, for each layer that the LoRA changes, `A` and `B`, in
half or single precision, with alpha / rank multiplied into B:
`unet/down_blocks.1.attentions.0.proj_in/A`. The rank may differ from layer to layer. Of a linear
layer A is (in, rank) and B is (rank, out); of a convolution A is (rank, in, height, width) and B is
(out, rank, 1, 1).
"""

import json
import math
import struct
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pipeline.errors import InputError
from pipeline.lora.files import adapter_path
from pipeline.lora.use import LoraUse

Array = npt.NDArray[Any]
_Stamp = tuple[int, int, int]
"""Number, size and time of the last change (ns) of a file."""
Pair = tuple[Array, Array]
"""A and B of a layer."""

LoraKey = tuple[tuple[str, float], ...]
"""Digests and strengths of LoRAs, in order."""

PREFIX: Final = "lora/"
"""Begins the names of the inputs for A and B in a model's graph, and no other names there."""

_KEPT: Final = 8
"""Mapped files: they take address space, and memory only as long as there is enough."""

_TYPES: Final[Mapping[str, npt.DTypeLike]] = {"F16": np.float16, "F32": np.float32}
_LARGEST_HEADER: Final = 100 * 2**20  # of the format's own reader


def input_name(module: str, matrix: str) -> str:
    """The input of a graph for `matrix` (A or B) of the layer `module`."""
    return f"{PREFIX}{module}/{matrix}"


def rank_axis(matrix: str, axes: int) -> int:
    """Which of the axes of `matrix` (A or B) is the rank; convolutions have four."""
    return int((matrix == "A") == (axes == 2))


@dataclass(frozen=True, slots=True)
class Adapter:
    """The layers that a LoRA changes: for each part (`unet`, `text_encoder`, `text_encoder_2`) by
    their module's dotted path in diffusers."""

    parts: Mapping[str, Mapping[str, Pair]]

    @classmethod
    def open(cls, path: Path) -> "Adapter":
        """Map a file. Raises OSError, and ValueError if it is no adapter or incomplete."""
        content = np.memmap(path, np.uint8, "r")
        try:
            (length,) = struct.unpack("<Q", content[:8].tobytes())
            if length > min(len(content), _LARGEST_HEADER):
                raise ValueError("its header is longer than the file")
            header: dict[str, dict[str, Any]] = json.loads(content[8 : 8 + length].tobytes())
            header.pop("__metadata__", None)
            values = content[8 + length :]
            tensors = {name: _tensor(values, said) for name, said in header.items()}
            return cls(_paired(tensors))
        except (
            *(KeyError, TypeError, AttributeError, OverflowError, RecursionError),
            struct.error,
        ) as error:
            raise ValueError(f"it is no adapter: {error}") from error


def _stamp(path: Path) -> _Stamp | None:
    """None of a file that is not there or can't be read."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def _tensor(values: Array, said: Mapping[str, Any]) -> Array:
    begin, end = said["data_offsets"]
    dims = tuple(int(dim) for dim in said["shape"])
    dtype = np.dtype(_TYPES[said["dtype"]])
    if not 0 <= begin <= end <= len(values) or end - begin != math.prod(dims) * dtype.itemsize:
        raise ValueError("a tensor does not lie where its header says")
    return values[begin:end].view(dtype).reshape(dims)


def _paired(tensors: Mapping[str, Array]) -> dict[str, dict[str, Pair]]:
    parts: dict[str, dict[str, Pair]] = {}
    for name, a in tensors.items():
        layer, _, matrix = name.rpartition("/")
        part, _, module = layer.partition("/")
        if matrix == "B" and f"{layer}/A" in tensors:
            continue
        b = tensors.get(f"{layer}/B")
        if matrix != "A" or not module or b is None or not a.ndim == b.ndim in {2, 4}:
            raise ValueError(f"{name} is no half of a pair")
        if a.shape[rank_axis("A", a.ndim)] != b.shape[rank_axis("B", b.ndim)]:
            raise ValueError(f"the ranks of {layer} differ")
        parts.setdefault(part, {})[module] = (a, b)
    return parts


@dataclass(frozen=True, slots=True, eq=False)
class LoraSet:
    """The LoRAs of a picture, open, each with its use. Empty for a picture without one."""

    adapters: Sequence[tuple[LoraUse, Adapter]] = ()

    def key(self, *parts: str) -> LoraKey:
        """Equal for sets that change `parts` in the same way."""
        return tuple(
            (use.digest, use.strength)
            for use, adapter in self.adapters
            if any(adapter.parts.get(part) for part in parts)
        )

    def layers(self, part: str) -> dict[str, list[tuple[LoraUse, Pair]]]:
        """Of `part`, each changed layer with the pairs that are added to it."""
        found: dict[str, list[tuple[LoraUse, Pair]]] = {}
        for use, adapter in self.adapters:
            for module, pair in adapter.parts.get(part, {}).items():
                found.setdefault(module, []).append((use, pair))
        return found


class LoraStore:
    """Opens the adapters of `folder` and keeps the last few. Not thread-safe."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._open: OrderedDict[str, tuple[Adapter, _Stamp | None]] = OrderedDict()

    def open(self, uses: Sequence[LoraUse]) -> LoraSet:
        """Open those that have an effect. Raises InputError `lora_gone` if one is not there or
        can't be read."""
        return LoraSet(tuple((use, self._adapter(use)) for use in uses if use.strength))

    def close(self) -> None:
        """Unmap all files that nothing else uses."""
        self._open.clear()

    def _adapter(self, use: LoraUse) -> Adapter:
        if self._folder is None or not use.digest.isalnum():
            raise InputError("lora_gone", name=use.name)
        path = adapter_path(self._folder, use.digest)
        found, stamp = self._open.pop(use.digest, None), _stamp(path)
        # Reading what was cut off a file ends the process. One that was removed stays mapped.
        if found is None or stamp not in {None, found[1]}:
            found = self._read(use, path), stamp
        self._open[use.digest] = found
        while len(self._open) > _KEPT:
            self._open.popitem(last=False)
        return found[0]

    def _read(self, use: LoraUse, path: Path) -> Adapter:
        try:
            return Adapter.open(path)
        except (OSError, ValueError) as error:
            raise InputError("lora_gone", name=use.name) from error

"""LoRA files: safetensors with pairs of small matrices, read as their authors' programs write them.

Two spellings are read. kohya's: `lora_unet_down_blocks_1_..._to_q.lora_down.weight`, `.lora_up`,
`.alpha`, the UNet's blocks also by their names before diffusers (`input_blocks_4_1_...`).
diffusers' and peft's: `unet.down_blocks.1....to_q.lora_A.weight`, `.lora_B`, older ones
`.lora.down.weight`, `.processor.to_q_lora.down.weight`.
"""

import hashlib
import json
import math
import mmap
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from pipeline.errors import ModelError

Floats = npt.NDArray[np.float32]

_LARGEST_HEADER: Final = 100 * 2**20  # of the format's own reader
_DTYPES: Final = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": np.uint16}
_METADATA: Final = "__metadata__"

_SUFFIXES: Final = (
    (".lora_down.weight", "down"),
    (".lora_up.weight", "up"),
    (".lora_mid.weight", "mid"),
    (".lora_A.weight", "down"),
    (".lora_B.weight", "up"),
    (".lora.down.weight", "down"),
    (".lora.up.weight", "up"),
    (".lora_linear_layer.down.weight", "down"),
    (".lora_linear_layer.up.weight", "up"),
    ("_lora.down.weight", "down"),
    ("_lora.up.weight", "up"),
    (".alpha", "alpha"),
)


@dataclass(slots=True)
class Entry:
    """What a file says of one layer, by key: `down` (rank, in), `up` (out, rank), `alpha`, and for
    convolutions `mid`."""

    keys: dict[str, str] = field(default_factory=dict[str, str])


class LoraFile:
    """An open LoRA. `entries` by the layer's name as the file spells it; nothing is read before it
    is asked for.

    Raises ModelError `lora_unreadable`, and `lora_unknown_keys` where a key is none of a LoRA's.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.stem
        self._tensors, self.metadata, self._start = _header(path)
        self.entries: dict[str, Entry] = {}
        unknown: list[str] = []
        for key in self._tensors:
            found = next((pair for pair in _SUFFIXES if key.endswith(pair[0])), None)
            if found is None:
                unknown.append(key)
                continue
            suffix, part = found
            layer = key.removesuffix(suffix)
            self.entries.setdefault(layer, Entry()).keys[part] = key
        unknown += [
            key
            for entry in self.entries.values()
            if not {"down", "up"} <= entry.keys.keys()
            for key in entry.keys.values()
        ]
        if unknown or not self.entries:
            raise unknown_keys(self.name, unknown)

    def read(self, key: str) -> Floats:
        """The values of one tensor, as float32."""
        kind, dims, (begin, end) = self._tensors[key]
        with self.path.open("rb") as file:
            file.seek(self._start + begin)
            raw = file.read(end - begin)
        values = np.frombuffer(raw, _DTYPES[kind])
        if kind == "BF16":
            values = (values.astype(np.uint32) << 16).view(np.float32)
        return values.astype(np.float32).reshape(dims)

    def shape(self, key: str) -> tuple[int, ...]:
        """The shape of one tensor."""
        return self._tensors[key][1]

    def sha256(self) -> str:
        """Over the whole file, in hex digits."""
        with (
            self.path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as v,
        ):
            return hashlib.sha256(v).hexdigest()


def unknown_keys(name: str, keys: list[str]) -> ModelError:
    """The error that names some of `keys`."""
    shown = ", ".join(keys[:3]) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")
    return ModelError("lora_unknown_keys", name=name, keys=shown or "none at all")


_Tensor = tuple[str, tuple[int, ...], tuple[int, int]]


def _header(path: Path) -> tuple[dict[str, _Tensor], dict[str, str], int]:
    """Tensors by name (type, shape, place), the file's own notes, and where the values begin."""
    try:
        with path.open("rb") as file:
            content, start = _header_bytes(file, path.stat().st_size)
        header: dict[str, Any] = json.loads(content)
        notes: dict[str, str] = header.pop(_METADATA, {})
        room = path.stat().st_size - start
        tensors = {name: _tensor(name, said, room) for name, said in header.items()}
    except OSError as error:
        raise ModelError(
            "lora_unreadable", name=path.name, problem=error.strerror or str(error)
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise ModelError(
            "lora_unreadable", name=path.name, problem=f"no safetensors file: {error}"
        ) from error
    return tensors, notes, start


def _header_bytes(file: BinaryIO, size: int) -> tuple[bytes, int]:
    (length,) = struct.unpack("<Q", file.read(8))
    if length > min(size, _LARGEST_HEADER):
        raise ValueError("its header is longer than the file")
    return file.read(length), 8 + length


def _tensor(name: str, said: dict[str, Any], room: int) -> _Tensor:
    """What the header says of one tensor, if it can be."""
    dims = tuple(int(dim) for dim in said["shape"])
    begin, end = (int(at) for at in said["data_offsets"])
    size = np.dtype(_DTYPES[said["dtype"]]).itemsize * math.prod(dims)
    if not 0 <= begin <= end <= room or end - begin != size:
        raise ValueError(f"{name} does not lie where it says")
    return str(said["dtype"]), dims, (begin, end)

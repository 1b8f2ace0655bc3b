"""LoRA files: safetensors with pairs of small matrices, in the formats of several programs.

Two spellings are read. kohya's: `lora_unet_down_blocks_1_..._to_q.lora_down.weight`, `.lora_up`,
`.alpha`, the UNet's blocks also by their names before diffusers (`input_blocks_4_1_...`), with
dots or without.
diffusers' and peft's: `unet.down_blocks.1....to_q.lora_A.weight`, `.lora_B`, older ones
`.lora.down.weight`, `.processor.to_q_lora.down.weight`.
"""

import hashlib
import json
import math
import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from pipeline.errors import ModelError
from pipeline.onnx.library import onnx
from pipeline.prepare.lora.methods import method_of, model_of

Floats = npt.NDArray[np.float32]

_LARGEST_HEADER: Final = 100 * 2**20  # of the format's own reader
_PLAIN: Final[Mapping[str, npt.DTypeLike]] = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "I64": np.int64,
    "I32": np.int32,
    "I16": np.int16,
    "I8": np.int8,
    "U8": np.uint8,
}
_OF_ONNX: Final = {"BF16": "BFLOAT16", "F8_E4M3": "FLOAT8E4M3FN", "F8_E5M2": "FLOAT8E5M2"}
"""Types that numpy lacks, by their ONNX names; all are exact in float32."""

_NO_SAFETENSORS: Final = (
    (b"PK", "it is a PyTorch file, which may run programs when it is opened"),
    (b"\x80\x02", "it is a PyTorch file, which may run programs when it is opened"),
    (b"version https://git-lfs", "it is only a pointer of Git LFS, not the file itself"),
    (b"<", "it is a web page, not the file itself"),
)
"""The first bytes of files that are often mistaken for one."""

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
    """A file's tensors of one layer, by key: `down` (rank, in), `up` (out, rank), `alpha`, and for
    convolutions `mid`."""

    keys: dict[str, str] = field(default_factory=dict[str, str])


class LoraFile:
    """An open LoRA. `entries` by the layer's name as spelled in the file; values are read on
    demand.

    Raises ModelError `lora_unreadable`, `lora_type`, and what `unknown_keys` gives where a key is
    none of a LoRA's.
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
        for layer, entry in self.entries.items():
            self._check(layer, entry)

    def read(self, key: str) -> Floats:
        """The values of one tensor, as float32."""
        kind, dims, (begin, end) = self._tensors[key]
        with self.path.open("rb") as file:
            file.seek(self._start + begin)
            raw = file.read(end - begin)
        return np.frombuffer(raw, _dtype(kind)).astype(np.float32).reshape(dims)

    def shape(self, key: str) -> tuple[int, ...]:
        """The shape of one tensor."""
        return self._tensors[key][1]

    def check_finite(self) -> None:
        """Read all values. Raises ModelError `lora_not_finite` for NaN or infinity."""
        for entry in self.entries.values():
            for key in entry.keys.values():
                if not np.isfinite(self.read(key)).all():
                    raise ModelError("lora_not_finite", name=self.name, tensor=key)

    def _check(self, layer: str, entry: Entry) -> None:
        """Check that a layer's matrices have two axes, the same rank, and a supported type."""
        for part, key in entry.keys.items():
            kind = self._tensors[key][0]
            if part != "alpha" and np.issubdtype(_dtype(kind), np.integer):
                raise ModelError("lora_type", name=self.name, kind=kind)
        up, down = self.shape(entry.keys["up"]), self.shape(entry.keys["down"])
        mid = self.shape(entry.keys["mid"]) if "mid" in entry.keys else ()
        alpha = self.shape(entry.keys["alpha"]) if "alpha" in entry.keys else ()
        sizes = [len(up) < 2, len(down) < 2, len(mid) not in {0, 4}, math.prod(alpha) != 1]
        if any(sizes) or 0 in up + down + mid:
            raise ModelError(
                "lora_unreadable", name=self.name, problem=f"{layer} is no pair of matrices"
            )
        ranks = {math.prod(up[1:]), down[0], *mid[:2]}
        if len(ranks) > 1:
            words = " and ".join(str(rank) for rank in sorted(ranks))
            raise ModelError(
                "lora_unreadable",
                name=self.name,
                problem=f"the matrices of {layer} have different ranks ({words})",
            )

    def sha256(self) -> str:
        """Over the whole file, in hex digits."""
        with (
            self.path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as v,
        ):
            return hashlib.sha256(v).hexdigest()


def unknown_keys(name: str, keys: list[str]) -> ModelError:
    """The error that names some of `keys` and their method or model, if known: `lora_method`,
    `lora_model`, `lora_unknown_keys`."""
    method, model = method_of(keys), model_of(keys)
    if method is not None:
        return ModelError("lora_method", name=name, method=method, keys=_some(keys))
    if model is not None:
        return ModelError("lora_model", name=name, model=model, keys=_some(keys))
    return ModelError("lora_unknown_keys", name=name, keys=_some(keys))


def _some(keys: list[str]) -> str:
    shown = ", ".join(keys[:3]) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")
    return shown or "none at all"


_Tensor = tuple[str, tuple[int, ...], tuple[int, int]]


def _header(path: Path) -> tuple[dict[str, _Tensor], dict[str, str], int]:
    """Tensors by name (type, shape, place), the file's own notes, and where the values begin."""
    try:
        with path.open("rb") as file:
            content, start = _header_bytes(file, path.stat().st_size)
        header: dict[str, Any] = json.loads(content)
        notes: dict[str, str] = dict(header.pop(_METADATA, None) or {})
        room = path.stat().st_size - start
        _check_types(path, header)
        tensors = {name: _tensor(name, said, room) for name, said in header.items()}
    except OSError as error:
        raise ModelError(
            "lora_unreadable", name=path.name, problem=error.strerror or str(error)
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise ModelError("lora_unreadable", name=path.name, problem=_what_else(path)) from error
    return tensors, notes, start


def _check_types(path: Path, header: dict[str, Any]) -> None:
    for said in header.values():
        kind = str(said["dtype"])
        if kind not in _PLAIN and kind not in _OF_ONNX:
            raise ModelError("lora_type", name=path.name, kind=kind)


def _what_else(path: Path) -> str:
    """What kind of file it is, if not a safetensors file."""
    with path.open("rb") as file:
        begin = file.read(64).lstrip()
    for magic, words in _NO_SAFETENSORS:
        if begin.startswith(magic):
            return words
    return "it is cut off, or no safetensors file" if begin else "it is empty"


@cache
def _dtype(kind: str) -> "np.dtype[Any]":
    """Numpy's type of what safetensors calls `kind`."""
    if kind in _PLAIN:
        return np.dtype(_PLAIN[kind])
    number = onnx.TensorProto.DataType.Value(_OF_ONNX[kind])
    return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(number))


def _header_bytes(file: BinaryIO, size: int) -> tuple[bytes, int]:
    (length,) = struct.unpack("<Q", file.read(8))
    if length > min(size, _LARGEST_HEADER):
        raise ValueError("its header is longer than the file")
    return file.read(length), 8 + length


def _tensor(name: str, said: dict[str, Any], room: int) -> _Tensor:
    """What the header says about one tensor, if it is valid."""
    dims = tuple(int(dim) for dim in said["shape"])
    begin, end = (int(at) for at in said["data_offsets"])
    size = _dtype(str(said["dtype"])).itemsize * math.prod(dims)
    if not 0 <= begin <= end <= room or end - begin != size:
        raise ValueError(f"{name} does not lie where it says")
    return str(said["dtype"]), dims, (begin, end)

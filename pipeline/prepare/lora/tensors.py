"""Reads safetensors files: the header at once, values on demand."""

import hashlib
import json
import math
import struct
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from pipeline.errors import ModelError
from pipeline.onnx.library import onnx

Floats = npt.NDArray[np.float32]

_LARGEST_HEADER: Final = 100 * 2**20  # of the format's own reader
_PIECE: Final = 2**20  # bytes hashed at a time
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

_MALFORMED: Final = (
    ValueError, KeyError, TypeError, AttributeError, struct.error, RecursionError
)  # fmt: skip
_Tensor = tuple[str, tuple[int, ...], tuple[int, int]]


class TensorFile:
    """An open safetensors file. `name`: the file's without its ending. `metadata`: the file's own
    notes.

    Raises ModelError `lora_unreadable` and `lora_type`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.stem
        self._tensors, self.metadata, self._start = _header(path)

    def __iter__(self) -> Iterator[str]:
        """The names of the tensors, as the header orders them."""
        return iter(self._tensors)

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

    def kind(self, key: str) -> str:
        """The type of one tensor, as safetensors calls it."""
        return self._tensors[key][0]

    def is_whole(self, key: str) -> bool:
        """Whether a tensor has whole numbers only."""
        return np.issubdtype(_dtype(self.kind(key)), np.integer)

    def sha256(self) -> str:
        """Over the whole file, in hex digits."""
        return self._hash(0)

    def values_sha256(self) -> str:
        """Over everything behind the header, in hex digits: what A1111 writes as `Lora hashes`,
        which edited notes do not change."""
        return self._hash(self._start)

    def _hash(self, start: int) -> str:
        digest = hashlib.sha256()
        with self.path.open("rb") as file:
            file.seek(start)
            while piece := file.read(_PIECE):
                digest.update(piece)
        return digest.hexdigest()


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
    except _MALFORMED as error:
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

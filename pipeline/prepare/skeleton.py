# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false
# (the border to onnx, whose protobuf classes are untyped)
"""A graph without its weights: those that lie inside the file are left where they are and named as
if they lay outside, so that a model of any size is changed in little memory.
"""

import mmap
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pipeline.errors import ModelError
from pipeline.model.wire import BYTES, Field, encode_bytes, encode_varint, fields

Array = npt.NDArray[Any]

INLINE_BYTES: Final = 1024
"""Smaller tensors stay in the graph, as ONNX's own tools do it."""

_GRAPH: Final = 7  # ModelProto.graph
_INITIALIZER: Final = 5  # GraphProto.initializer
_RAW_DATA: Final = 9  # TensorProto.raw_data
_EXTERNAL_DATA: Final = 13  # TensorProto.external_data
_DATA_LOCATION: Final = 14  # TensorProto.data_location; 1 = EXTERNAL


def load_skeleton(path: Path) -> Any:
    """The `onnx.ModelProto` of `path`, every large initializer being a reference to a file.

    Raises ModelError `model_incomplete` where the file is cut off, `model_unreadable`.
    """
    import onnx

    name = f"{path.parent.name}/{path.name}"
    try:
        return onnx.load_model_from_string(bare_graph(path))
    except ValueError as error:
        raise ModelError("model_incomplete", name=name) from error
    except Exception as error:  # protobuf's DecodeError has no public name
        raise ModelError("model_unreadable", name=name, problem=str(error)[:300]) from error


def bare_graph(path: Path) -> bytes:
    """The same as bytes. Raises ValueError where the file is cut off, OSError."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        return _without_weights(view, path.name)


def _without_weights(view: mmap.mmap, file_name: str) -> bytes:
    model = bytearray()
    for field in fields(view, 0, len(view)):
        if field.number == _GRAPH and field.wire == BYTES:
            graph = bytearray()
            for part in fields(view, field.start, field.end):
                if part.number == _INITIALIZER and part.wire == BYTES:
                    graph += _tensor(view, part, file_name)
                else:
                    graph += view[part.begin : part.end]
            model += encode_bytes(_GRAPH, bytes(graph))
        else:
            model += view[field.begin : field.end]
    return bytes(model)


def _tensor(view: mmap.mmap, tensor: Field, file_name: str) -> bytes:
    """The initializer as it is, or with its bytes replaced by where they lie."""
    kept, raw = bytearray(), None
    for field in fields(view, tensor.start, tensor.end):
        if field.number == _RAW_DATA and field.end - field.start >= INLINE_BYTES:
            raw = field
        else:
            kept += view[field.begin : field.end]
    if raw is None:
        return view[tensor.begin : tensor.end]
    place = {"location": file_name, "offset": raw.start, "length": raw.end - raw.start}
    for key, value in place.items():
        entry = encode_bytes(1, key.encode()) + encode_bytes(2, str(value).encode())
        kept += encode_bytes(_EXTERNAL_DATA, entry)
    kept += encode_varint(_DATA_LOCATION << 3) + encode_varint(1)
    return encode_bytes(_INITIALIZER, bytes(kept))


class Weights:
    """Reads the tensors of one component one by one; nothing is kept. Not thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, Any] = {}

    def read(self, tensor: Any) -> Array:
        """The values of an `onnx.TensorProto`. ModelError `model_incomplete` where some lack."""
        import onnx

        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            return onnx.numpy_helper.to_array(tensor)
        place = {entry.key: entry.value for entry in tensor.external_data}
        dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type))
        size = int(np.prod(tensor.dims, dtype=np.int64)) * dtype.itemsize
        file = self._open(place["location"])
        file.seek(int(place.get("offset", 0)))
        values = bytearray(size)
        if file.readinto(values) != size:
            raise ModelError("model_incomplete", name=f"{self._folder.name}/{place['location']}")
        return np.frombuffer(values, dtype).reshape(tuple(tensor.dims))

    def close(self) -> None:
        """Close the files. Idempotent."""
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _open(self, location: str) -> Any:
        if location not in self._files:
            path = self._folder / location
            if path.resolve().parent != self._folder.resolve():
                raise ModelError("model_unreadable", name=location, problem="a file elsewhere")
            try:
                self._files[location] = path.open("rb")
            except OSError as error:
                raise ModelError(
                    "model_incomplete", name=f"{self._folder.name}/{location}"
                ) from error
        return self._files[location]

"""A graph without its weights: those inside the file stay there and are referred to as external
data, so that a model of any size can be opened and changed in little memory.

Weights that exporters put into Constant nodes become initializers, like all others. Field numbers:
onnx.proto3.
"""

import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pipeline.onnx.wire import BYTES, Buffer, Field, encode_bytes, encode_varint, fields

INLINE_BYTES: Final = 1024
"""Smaller tensors stay in the graph, as ONNX's own tools do it."""

_GRAPH: Final = 7  # ModelProto.graph
_NODE: Final = 1  # GraphProto.node
_INITIALIZER: Final = 5  # GraphProto.initializer
_OUTPUT: Final = 2  # NodeProto.output
_OP_TYPE: Final = 4  # NodeProto.op_type
_ATTRIBUTE: Final = 5  # NodeProto.attribute
_TENSOR: Final = 5  # AttributeProto.t
_NAME: Final = 8  # TensorProto.name
_RAW_DATA: Final = 9  # TensorProto.raw_data
_EXTERNAL_DATA: Final = 13  # TensorProto.external_data
_DATA_LOCATION: Final = 14  # TensorProto.data_location; 1 = EXTERNAL
_CONSTANT: Final = b"Constant"
_KEY, _VALUE = 1, 2  # StringStringEntryProto

Names = Mapping[str, str]


def bare_graph(path: Path, names: Names | None = None) -> bytes:
    """The graph in `path` without the weights. `names`: new names of files by the graph's names,
    `path` itself by its name.

    Raises ValueError where the file is cut off, OSError.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        return _rewritten(view, path.name, names or {})


def renamed(graph: bytes, names: Names) -> bytes:
    """`graph` with other names for its weight files; internal weights stay inside."""
    return _rewritten(graph, None, names)


def _rewritten(view: Buffer, file_name: str | None, names: Names) -> bytes:
    writer = _Writer(view, file_name, names)
    model = bytearray()
    for field in fields(view, 0, len(view)):
        if field.number == _GRAPH and field.wire == BYTES:
            graph = b"".join(writer.part(part) for part in fields(view, field.start, field.end))
            model += encode_bytes(_GRAPH, graph)
        else:
            model += view[field.begin : field.end]
    return bytes(model)


class _Writer:
    """Rewrites the parts of a graph. `file_name` None: internal weights stay inside."""

    def __init__(self, view: Buffer, file_name: str | None, names: Names) -> None:
        self._view = view
        self._file_name = file_name
        self._names = names

    def part(self, part: Field) -> bytes:
        """A field of the graph."""
        if part.number == _INITIALIZER and part.wire == BYTES:
            return encode_bytes(_INITIALIZER, self._tensor(part)[0])
        if part.number == _NODE and part.wire == BYTES:
            return self._constant(part) or self._view[part.begin : part.end]
        return self._view[part.begin : part.end]

    def _constant(self, node: Field) -> bytes | None:
        """A Constant node with external data, as an initializer; None for other nodes."""
        if self._view.find(_CONSTANT, node.start, node.end) < 0:  # nearly all: not walked through
            return None
        parts = {part.number: part for part in fields(self._view, node.start, node.end)}
        if not parts.keys() >= {_OUTPUT, _OP_TYPE, _ATTRIBUTE}:
            return None
        if self._content(parts[_OP_TYPE]) != _CONSTANT:
            return None
        value = parts[_ATTRIBUTE]
        for part in fields(self._view, value.start, value.end):
            if part.number == _TENSOR and part.wire == BYTES:
                tensor, is_outside = self._tensor(part, name=self._content(parts[_OUTPUT]))
                return encode_bytes(_INITIALIZER, tensor) if is_outside else None
        return None

    def _tensor(self, tensor: Field, name: bytes | None = None) -> tuple[bytes, bool]:
        """A tensor, with large data replaced by its location; and whether that is external. `name`:
        another name for it."""
        kept, raw, is_outside = bytearray(), None, False
        for field in fields(self._view, tensor.start, tensor.end):
            size = field.end - field.start
            if field.number == _RAW_DATA and self._file_name is not None and size >= INLINE_BYTES:
                raw = field
            elif field.number == _EXTERNAL_DATA:
                is_outside = True
                kept += self._entry(field)
            elif field.number != _NAME or name is None:
                kept += self._view[field.begin : field.end]
        if name is not None:
            kept += encode_bytes(_NAME, name)
        if raw is not None and self._file_name is not None:
            is_outside = True
            location = self._names.get(self._file_name, self._file_name)
            kept += _entry("location", location)
            kept += _entry("offset", str(raw.start)) + _entry("length", str(raw.end - raw.start))
            kept += encode_varint(_DATA_LOCATION << 3) + encode_varint(1)
        return bytes(kept), is_outside

    def _entry(self, entry: Field) -> bytes:
        """An entry of `external_data`, a location by its other name."""
        parts = {part.number: part for part in fields(self._view, entry.start, entry.end)}
        if _KEY in parts and _VALUE in parts and self._content(parts[_KEY]) == b"location":
            location = self._content(parts[_VALUE]).decode()
            return _entry("location", self._names.get(location, location))
        return self._view[entry.begin : entry.end]

    def _content(self, field: Field) -> bytes:
        return self._view[field.start : field.end]


def _entry(key: str, value: str) -> bytes:
    content = encode_bytes(_KEY, key.encode()) + encode_bytes(_VALUE, value.encode())
    return encode_bytes(_EXTERNAL_DATA, content)

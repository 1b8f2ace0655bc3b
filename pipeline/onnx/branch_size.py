"""Measures the low-rank branch of a graph without loading it. Field numbers: onnx.proto3."""

import mmap
from pathlib import Path
from typing import Final

from pipeline.lora.adapter import PREFIX
from pipeline.onnx.wire import BYTES, VARINT, fields, varint

_GRAPH: Final = 7  # ModelProto.graph
_INPUT: Final = 11  # GraphProto.input
_NAME: Final = 1  # ValueInfoProto.name
_DIM_PATH: Final = (2, 1, 2, 1)  # ValueInfoProto.type, tensor_type, shape, dim
_DIM_VALUE: Final = 1  # Dimension.dim_value


def numbers_per_rank(graph: Path) -> int:
    """How many numbers a LoRA that changes every layer has for each of its ranks; 0 if `graph` has
    no branch. Raises OSError, and ValueError if it is truncated."""
    with graph.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        return sum(
            _size(view, port.start, port.end)
            for part in fields(view, 0, len(view))
            if part.number == _GRAPH and part.wire == BYTES
            for port in fields(view, part.start, part.end)
            if port.number == _INPUT and port.wire == BYTES
        )


def _size(view: mmap.mmap, start: int, end: int) -> int:
    """The fixed axes of an input of the branch, 0 for other inputs."""
    name = next(field for field in fields(view, start, end) if field.number == _NAME)
    if not view[name.start : name.end].startswith(PREFIX.encode()):
        return 0
    return _fixed(view, start, end, _DIM_PATH)


def _fixed(view: mmap.mmap, start: int, end: int, path: tuple[int, ...]) -> int:
    if not path:
        return sum(
            varint(view, field.start, field.end)[0]
            for field in fields(view, start, end)
            if field.number == _DIM_VALUE and field.wire == VARINT
        )
    return sum(
        _fixed(view, field.start, field.end, path[1:])
        for field in fields(view, start, end)
        if field.number == path[0] and field.wire == BYTES
    )

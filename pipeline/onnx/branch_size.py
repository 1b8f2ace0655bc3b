"""Measures the low-rank branch of a graph without loading it. Field numbers: onnx.proto3."""

import math
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pipeline.lora.adapter import PREFIX
from pipeline.onnx.wire import BYTES, VARINT, Field, fields, varint

_GRAPH: Final = 7  # ModelProto.graph
_INPUT: Final = 11  # GraphProto.input
_NAME: Final = 1  # ValueInfoProto.name
_DIM_PATH: Final = (2, 1, 2, 1)  # ValueInfoProto.type, tensor_type, shape, dim
_DIM_VALUE: Final = 1  # Dimension.dim_value


def numbers_per_rank(graph: Path) -> int:
    """How many numbers a LoRA that changes every layer has for each of its ranks; 0 if `graph` has
    no branch. Raises OSError, and ValueError if it is truncated."""
    return sum(math.prod(axes) for axes in _fixed_axes(graph))


def has_convolutions(graph: Path) -> bool:
    """Whether the branch of `graph` covers convolutions. Raises as `numbers_per_rank`."""
    return any(len(axes) > 1 for axes in _fixed_axes(graph))


def _fixed_axes(graph: Path) -> list[list[int]]:
    """The fixed axes of each input of the branch: one of a linear layer's, three of another's."""
    with graph.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        return [
            list(_fixed(view, port.start, port.end, _DIM_PATH))
            for part in fields(view, 0, len(view))
            if part.number == _GRAPH and part.wire == BYTES
            for port in fields(view, part.start, part.end)
            if port.number == _INPUT and port.wire == BYTES and _is_branch(view, port)
        ]


def _is_branch(view: mmap.mmap, port: Field) -> bool:
    name = next(field for field in fields(view, port.start, port.end) if field.number == _NAME)
    return view[name.start : name.end].startswith(PREFIX.encode())


def _fixed(view: mmap.mmap, start: int, end: int, path: tuple[int, ...]) -> Iterator[int]:
    for field in fields(view, start, end):
        if path:
            if field.number == path[0] and field.wire == BYTES:
                yield from _fixed(view, field.start, field.end, path[1:])
        elif field.number == _DIM_VALUE and field.wire == VARINT:
            yield varint(view, field.start, field.end)[0]

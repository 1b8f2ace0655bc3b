"""Inspects an ONNX file before it is loaded: where its weights are, whether it is truncated, and
whether it accepts any size.

Reads protobuf's wire format directly: a graph with its weights inside may be two gigabytes, and
this has to take milliseconds. Field numbers: onnx.proto3 (ModelProto.graph = 7,
GraphProto.initializer = 5 and node = 1, NodeProto.input = 1, op_type = 4 and attribute = 5,
AttributeProto.t = 5,
TensorProto.external_data = 13, StringStringEntryProto.key = 1, value = 2).
"""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.onnx.wire import BYTES, fields

_GRAPH: Final = 7
_NODE: Final = 1
_INITIALIZER: Final = 5
_ATTRIBUTE: Final = 5
_TENSOR: Final = 5
_EXTERNAL_DATA: Final = 13
_INPUT: Final = 1
_OP_TYPE: Final = 4
_LARGE_NODE: Final = 65_536  # bytes
_RESIZE_SIZES: Final = 3  # index of the input `sizes` of Resize


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalFile:
    """A file next to the graph and its minimum size."""

    location: str
    needed_bytes: int


def external_files(graph: Path) -> list[ExternalFile]:
    """The files with the weights of `graph`, none if they are inside.

    Raises ValueError if `graph` ends in the middle of a field, is empty, or is no model.
    """
    with graph.open("rb") as file:
        try:
            view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError as error:
            raise ValueError("the file is empty") from error
        with view:
            return _needs(view)


def resizes_to_fit(graph: Path) -> bool:
    """Whether every Resize of `graph` aims at a computed size, not at twice its own.

    Such a UNet (traced at an odd size) takes latents of any size; others need sides that can be
    halved at every level.
    """
    resizes: list[list[str]] = []
    with graph.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        for number, start, end in _fields(view, 0, len(view)):
            if number == _GRAPH:
                nodes = (f for f in _fields(view, start, end) if f[0] == _NODE)
                resizes += [inputs for _, a, b in nodes if (inputs := _resize_inputs(view, a, b))]
    return bool(resizes) and all(
        len(inputs) > _RESIZE_SIZES and inputs[_RESIZE_SIZES] for inputs in resizes
    )


def _resize_inputs(view: mmap.mmap, start: int, end: int) -> list[str]:
    """The inputs' names of a Resize node, nothing for another node."""
    if view.find(b"Resize", start, end) < 0:
        return []
    inputs: list[str] = []
    kind = b""
    for number, at, until in _fields(view, start, end):
        if number == _INPUT:
            inputs.append(view[at:until].decode())
        elif number == _OP_TYPE:
            kind = view[at:until]
    return inputs if kind == b"Resize" else []


def _needs(view: mmap.mmap) -> list[ExternalFile]:
    needed: dict[str, int] = {}
    graphs = 0
    for number, start, end in _fields(view, 0, len(view)):
        if number == _GRAPH:
            graphs += 1
            for tensor_start, tensor_end in _tensors(view, start, end):
                entry = _external(view, tensor_start, tensor_end)
                if entry is not None:
                    location, size = entry
                    needed[location] = max(needed.get(location, 0), size)
    if graphs != 1:
        raise ValueError("no graph in it")
    return [ExternalFile(location=name, needed_bytes=size) for name, size in needed.items()]


def _tensors(view: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Initializers, and constants in nodes (exporters put weights there too)."""
    for number, at, until in _fields(view, start, end):
        if number == _INITIALIZER:
            yield at, until
        elif number == _NODE and _may_refer(view, at, until):
            for inner, attribute_at, attribute_until in _fields(view, at, until):
                if inner == _ATTRIBUTE:
                    for kind, tensor_at, tensor_until in _fields(
                        view, attribute_at, attribute_until
                    ):
                        if kind == _TENSOR:
                            yield tensor_at, tensor_until


def _may_refer(view: mmap.mmap, start: int, end: int) -> bool:
    """Whether a node may contain a tensor with external data: nearly none does.

    A large node contains its weights, which are skipped rather than read.
    """
    return end - start > _LARGE_NODE or view.find(b"location", start, end) >= 0


def _external(view: mmap.mmap, start: int, end: int) -> tuple[str, int] | None:
    """Location, and the offset at which the tensor's bytes end; None for a tensor inside."""
    pairs: dict[str, str] = {}
    for number, at, until in _fields(view, start, end):
        if number == _EXTERNAL_DATA:
            entry = {key: view[a:b].decode() for key, a, b in _fields(view, at, until)}
            pairs[entry.get(1, "")] = entry.get(2, "")
    if "location" not in pairs:
        return None
    return pairs["location"], int(pairs.get("offset", 0)) + int(pairs.get("length", 0))


def _fields(view: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(field number, start, end) of each length-delimited field; others are passed over."""
    for field in fields(view, start, end):
        if field.wire == BYTES:
            yield field.number, field.start, field.end

"""Enough of Protobuf's wire format to walk through an ONNX file without loading it.

Field numbers are those of onnx.proto3; only the walking is here.
"""

import mmap
from collections.abc import Iterator
from typing import Final, NamedTuple

VARINT: Final = 0
FIXED64: Final = 1
BYTES: Final = 2
FIXED32: Final = 5

_ONE_BYTE: Final = 0x7F
"""The largest number that a varint of one byte holds."""

Buffer = mmap.mmap | bytes


class Field(NamedTuple):
    """A field of a message: the whole field is `view[begin:end]`, its content `view[start:end]`."""

    number: int
    wire: int
    begin: int
    start: int
    end: int


def fields(view: Buffer, start: int, end: int) -> Iterator[Field]:
    """The fields of the message in `view[start:end]`.

    Raises ValueError if the bytes are no message or a truncated one.
    """
    at = start
    while at < end:
        begin = at
        key = view[at]
        at += 1
        if key > _ONE_BYTE:
            key, at = varint(view, begin, end)
        wire = key & 7
        if wire == BYTES:
            # Nearly all sizes fit into one byte: a graph has millions of them.
            if at < end and (size := view[at]) <= _ONE_BYTE:
                at += 1
            else:
                size, at = varint(view, at, end)
            until = at + size
        elif wire == VARINT:
            _, until = varint(view, at, end)
        elif wire == FIXED64:
            until = at + 8
        elif wire == FIXED32:
            until = at + 4
        else:
            raise ValueError(f"no protobuf: wire type {wire}")
        if until > end:
            raise ValueError("the file ends in the middle of a field")
        yield Field(key >> 3, wire, begin, at, until)
        at = until


def varint(view: Buffer, at: int, end: int) -> tuple[int, int]:
    """The number at `at`, and where it ends."""
    value = shift = 0
    while at < end and shift < 70:
        byte = view[at]
        value |= (byte & _ONE_BYTE) << shift
        at += 1
        shift += 7
        if byte <= _ONE_BYTE:
            return value, at
    raise ValueError("the file ends in the middle of a number")


def encode_varint(value: int) -> bytes:
    """`value` as protobuf writes it."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode_bytes(number: int, content: bytes) -> bytes:
    """A length-delimited field."""
    return encode_varint(number << 3 | BYTES) + encode_varint(len(content)) + content

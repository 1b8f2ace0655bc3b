"""The text chunks of a PNG file, without touching its pixels: no picture can be a bomb here.

Source: PNG specification (third edition), 5 "Datastream structure" and 11.3.3 "Textual
information".
"""

import zlib
from collections.abc import Iterator
from typing import Final

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
MAX_TEXT_BYTES: Final = 1024 * 1024
"""Of one text, after decompression. Large ComfyUI graphs take a few hundred KB."""

_MAX_CHUNKS: Final = 20_000  # pixels often come in chunks of 8 KiB or more
_MAX_TEXTS: Final = 32
_MAX_KEYWORD: Final = 79  # by the specification
_FRAME: Final = 12  # bytes of a chunk besides its data: length, kind, checksum


def is_png(data: bytes) -> bool:
    """Whether `data` starts like a PNG."""
    return data.startswith(SIGNATURE)


def text_chunks(data: bytes) -> dict[str, str]:
    """All texts of a PNG by keyword, using the first readable one of a name; of a truncated file
    those that are complete. "" represents one that is broken or too long. Empty for anything else.
    Never raises.
    """
    texts: dict[str, str] = {}
    for kind, content in _chunks(data):
        if kind in _READERS:
            found = _text(kind, content)
            if found is not None and not texts.get(found[0]):
                texts[found[0]] = found[1]
            if len(texts) >= _MAX_TEXTS:
                break
    return texts


def pixels_begun(data: bytes) -> bool:
    """Whether the pixel data is reached; most programs write their texts before it."""
    at = len(SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        kind = data[at + 4 : at + 8]
        if len(kind) < 4:
            return False
        if kind == b"IDAT":
            return True
        at += _FRAME + int.from_bytes(data[at : at + 4], "big")
    return True


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Kind and data of each complete chunk. Checksums are ignored."""
    if not is_png(data):
        return
    view, at = memoryview(data), len(SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        length = int.from_bytes(view[at : at + 4], "big")
        kind = bytes(view[at + 4 : at + 8])
        end = at + _FRAME + length
        if len(kind) < 4 or end > len(data):
            return
        yield kind, view[at + 8 : end - 4]
        if kind == b"IEND":
            return
        at = end


def _text(kind: bytes, content: memoryview) -> tuple[str, str] | None:
    """The keyword before the first zero byte, and the text; None for what has no keyword."""
    keyword, zero, _ = bytes(content[: _MAX_KEYWORD + 1]).partition(b"\0")
    if not zero or not keyword:
        return None
    text = None
    if len(content) <= MAX_TEXT_BYTES:
        text = _READERS[kind](bytes(content[len(keyword) + 1 :]))
    return keyword.decode("latin-1"), "" if text is None else _decoded(text)


def _plain(content: bytes) -> bytes:
    """tEXt: Latin-1 by the specification. Many tools write UTF-8, which is tried first."""
    return content


def _compressed(content: bytes) -> bytes | None:
    """zTXt: a byte for the method, then zlib."""
    return _inflated(content[1:]) if content[:1] == b"\0" else None


def _international(content: bytes) -> bytes | None:
    """iTXt: compression flag and method, language, translated keyword, then UTF-8."""
    if len(content) < 2:
        return None
    _language, _, rest = content[2:].partition(b"\0")
    _translated, zero, text = rest.partition(b"\0")
    return _inflated(text) if content[0] == 1 and zero else text


def _inflated(packed: bytes) -> bytes | None:
    """The decompressed text; None if it is broken or longer than the bound."""
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(packed, MAX_TEXT_BYTES)
    except zlib.error:
        return None
    return None if unpacker.unconsumed_tail or not unpacker.eof else text


def _decoded(text: bytes) -> str:
    """As UTF-8, as what Windows programs call Unicode, or else as Latin-1."""
    if text[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return text.decode("utf-16", "replace")
    for start, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if text and text[start::2].count(0) > len(text) // 4:
            return text.decode(encoding, "replace")
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")


_READERS: Final = {b"tEXt": _plain, b"zTXt": _compressed, b"iTXt": _international}

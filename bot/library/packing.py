"""ZIP files of stored pictures: whole ones of a limited size, or one that is sent as it grows."""

import asyncio
import json
import tempfile
import zipfile
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import IO, Any, Final, Self

from data.files.picture_files import PictureFiles
from pipeline.errors import StorageError
from pipeline.metadata.credentials import Sign, unsigned

MEMBER_BYTES: Final = 512  # per file in a ZIP: headers and its name twice, with a margin


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedFile:
    """A stored file and its name in the ZIP. `sign`: only for pictures that were drawn here."""

    name: str
    folder: PictureFiles
    content_hash: str
    sign: Sign = unsigned


async def in_a_thread(pieces: Generator[bytes]) -> AsyncGenerator[bytes]:
    """Iterate over `packed` or `streamed` in a thread, because they wait for the disk."""
    try:
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            yield piece
    finally:
        with suppress(ValueError):  # cancelled while its thread runs: collected then
            pieces.close()


def packed(
    record: dict[str, Any], files: Sequence[PackedFile], part_bytes: int | None
) -> Generator[bytes]:
    """ZIP files of at most `part_bytes` (None: one of any size), `record` as `data.json` in the
    first. Only the one being sent is held in memory."""
    with ExitStack() as stack:
        pack = stack.enter_context(_Pack())
        pack.add("data.json", _text(record), compress=True)
        for file in files:
            content = _content(file)
            if content is None:
                continue
            if part_bytes is not None and pack.size_with(len(content)) > part_bytes:
                yield pack.finish()
                pack = stack.enter_context(_Pack())
            pack.add(file.name, content, compress=False)  # PNG is compressed already
        yield pack.finish()


def streamed(record: dict[str, Any], files: Sequence[PackedFile]) -> Generator[bytes]:
    """One ZIP in pieces of one file each, for reading while it is made."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("data.json", _text(record), compress_type=zipfile.ZIP_DEFLATED)
        for file in files:
            content = _content(file)
            if content is not None:
                archive.writestr(file.name, content, compress_type=zipfile.ZIP_STORED)
                yield sink.taken()
    yield sink.taken()


def _text(record: dict[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False, indent=1).encode()


def _content(file: PackedFile) -> bytes | None:
    """None: it was deleted since its row was read."""
    try:
        return file.sign(file.folder.read(file.content_hash), "png")
    except StorageError:
        return None


class _Sink:
    """A file for `zipfile` that can't seek, so that nothing is written twice."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        """Buffer it until it is taken."""
        self._written += data
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is open."""

    def taken(self) -> bytes:
        """Everything written since the last call."""
        data = bytes(self._written)
        self._written.clear()
        return data


class _Pack:
    """One ZIP that grows in a temporary file."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._zip = zipfile.ZipFile(self._file, "w")
        self._members = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(OSError):  # otherwise it would try again when it is garbage-collected
            self._zip.close()
        self._file.close()

    def size_with(self, size_bytes: int) -> int:
        """The largest possible size of the ZIP with one more file of `size_bytes`."""
        return self._file.tell() + size_bytes + (self._members + 1) * MEMBER_BYTES

    def add(self, name: str, content: bytes, *, compress: bool) -> None:
        kind = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
        self._zip.writestr(name, content, compress_type=kind)
        self._members += 1

    def finish(self) -> bytes:
        """Return the whole file; the pack can't be used afterwards."""
        self._zip.close()
        self._file.seek(0)
        content = self._file.read()
        self._file.close()
        return content

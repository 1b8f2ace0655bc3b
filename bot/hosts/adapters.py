"""The weights of LoRAs on their way to other machines: each file is sent once, in pieces, and kept
there in LORA_DIR."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from pipeline.disk import at
from pipeline.errors import InputError
from pipeline.lora.files import adapter_path

PIECE_BYTES: Final = 8 * 2**20
"""Ray's store of objects is small here, and others' events go over the same connection."""


def missing(folder: Path | None, digests: Iterable[str]) -> list[str]:
    """Those whose file is not in `folder`."""
    return [each for each in digests if folder is None or not adapter_path(folder, each).exists()]


def pieces(folder: Path | None, digest: str, name: str) -> Iterator[tuple[bytes, bool]]:
    """The file of the LoRA `name`, and whether a piece is the last. InputError `lora_gone`."""
    try:
        if folder is None:
            raise FileNotFoundError
        with adapter_path(folder, digest).open("rb") as file:
            piece = file.read(PIECE_BYTES)
            while True:
                following = file.read(PIECE_BYTES)
                yield piece, not following
                if not following:
                    return
                piece = following
    except OSError as error:
        raise InputError("lora_gone", name=name) from error


class Receiver:
    """Puts together what arrives, one file at a time. `folder`: LORA_DIR of this machine, if it has
    one."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def take(self, digest: str, piece: bytes, *, first: bool, last: bool) -> None:
        """Add a piece. The file appears after the last, whole; ValueError if it is not what was
        announced. StorageError if it can't be written."""
        folder = self._folder
        if folder is None or not digest.isalnum():
            raise ValueError(f"{digest!r} can't be kept here")
        # Another device of this machine may receive the same file.
        part = folder / f".{digest}-{os.getpid()}.part"
        with at(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with part.open("wb" if first else "ab") as file:
                file.write(piece)
                if last:  # a file that has its name must be whole, also after a power cut
                    file.flush()
                    os.fsync(file.fileno())
            if not last:
                return
            with part.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != digest:
                part.unlink()
                raise ValueError(f"{digest} arrived as {found}")
            part.replace(adapter_path(folder, digest))

"""A cheap hash of weights: the same files give the same ten digits on every machine."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

HASH_DIGITS: Final = 10
"""A1111's length of a model hash."""

_SAMPLE_BYTES: Final = 64 * 1024
_SAMPLES: Final = 16


def content_hash(root: Path, files: Iterable[Path]) -> str:
    """SHA-256, shortened, over each file's name below `root`, its size, and 16 samples of 64 KiB
    spread evenly.

    It reads 5 MB instead of fourteen gigabytes. Another training of the same architecture differs
    in every sample; a change of a few weights between samples is not detected.
    """
    digest = hashlib.sha256()
    for file in sorted(files):
        size = file.stat().st_size
        digest.update(f"{file.relative_to(root).as_posix()}\0{size}\0".encode())
        with file.open("rb") as source:
            for index in range(_SAMPLES):
                source.seek(max(0, size - _SAMPLE_BYTES) * index // (_SAMPLES - 1))
                digest.update(source.read(_SAMPLE_BYTES))
    return digest.hexdigest()[:HASH_DIGITS]

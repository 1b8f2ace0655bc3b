"""Checks that the source is what was published, by the hashes of the hub's client."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pipeline.errors import ModelError
from pipeline.model.folder import ModelFolder
from pipeline.plan.prepared import sha256_of

_NOTES: Final = Path(".cache") / "huggingface" / "download"
_BLOBS: Final = "blobs"
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def check_hashes(source: ModelFolder, *, progress: Callable[[str], None]) -> None:
    """Read every weight file with a known hash and compare. A folder that was not made by the hub's
    client has no hashes: then nothing is read.

    Raises ModelError `source_altered`.
    """
    files = [path for files in source.weight_files.values() for path in files.paths]
    known = {file: published for file in files if (published := _published(source.path, file))}
    if known:
        progress("Comparing the downloaded files with their published hashes ...")
    for file, published in known.items():
        if sha256_of(file) != published:
            name = file.relative_to(source.path).as_posix()
            raise ModelError("source_altered", name=name)


def _published(root: Path, file: Path) -> str | None:
    """The hub's SHA-256 of `file`, which large files have as their etag. It is the second line of
    what `huggingface_hub` stores with a download into a folder, and the name of the file in its
    cache."""
    if file.is_symlink() and file.resolve().parent.name == _BLOBS:
        name = file.resolve().name
        return name if _SHA256.fullmatch(name) else None
    note = root / _NOTES / f"{file.relative_to(root).as_posix()}.metadata"
    try:
        etag = note.read_text(encoding="utf-8").splitlines()[1].strip()
    except (OSError, IndexError):
        return None
    return etag if _SHA256.fullmatch(etag) else None

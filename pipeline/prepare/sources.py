"""Is the source what was published? Asked of the notes that the hub's client keeps beside it."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from pipeline.errors import ModelError
from pipeline.model.folder import COMPONENTS, ModelFolder
from pipeline.model.prepared import sha256_of

_NOTES: Final = Path(".cache") / "huggingface" / "download"
_SHA256_DIGITS: Final = 64


def check_hashes(source: ModelFolder, *, progress: Callable[[str], None]) -> None:
    """Read every weight file whose hash is known and compare. A folder that was not fetched by us
    has no such notes: nothing is read then.

    Raises ModelError `source_altered`.
    """
    files = [
        file
        for name in COMPONENTS
        if source.has(name)
        for file in sorted(source.onnx_file(name).parent.iterdir())
    ]
    known = {file: published for file in files if (published := _published(source.path, file))}
    if known:
        progress("Comparing the downloaded files with their published hashes ...")
    for file, published in known.items():
        if sha256_of(file) != published:
            name = file.relative_to(source.path).as_posix()
            raise ModelError("source_altered", name=name)


def _published(root: Path, file: Path) -> str | None:
    """The SHA-256 that the hub gave for `file`: large files have it as their etag, the second line
    of what `huggingface_hub` notes beside a download into a folder."""
    note = root / _NOTES / f"{file.relative_to(root).as_posix()}.metadata"
    try:
        etag = note.read_text(encoding="utf-8").splitlines()[1].strip()
    except (OSError, IndexError):
        return None
    return etag if len(etag) == _SHA256_DIGITS else None

"""Where the tagger is: with the model, downloaded, or in a folder set by the operator."""

from pathlib import Path
from typing import Final

from pipeline.errors import ModelError
from pipeline.model.options import repository_path

TAGGER_REPOSITORY: Final = "SmilingWolf/wd-vit-tagger-v3"
TAGGER_REVISION: Final = "790b0e92cefd2a0221451604e7831fe643ab7c4f"
"""Its ONNX file has 378,536,310 bytes. Apache-2.0."""

GRAPH: Final = "model.onnx"
TABLE: Final = "selected_tags.csv"
FILES: Final = (GRAPH, TABLE)

AUTO: Final = "auto"
OFF: Final = "off"


def find_tagger(choice: str, *, model: Path, models_dir: Path) -> Path | None:
    """The tagger's folder for the setting `choice`: `auto` (the model's own, otherwise the
    downloaded one), `off`, or a folder. None: there is none, or it is off.

    ModelError `tagger_missing` if the named folder is no tagger's.
    """
    if choice == OFF:
        return None
    if choice == AUTO:
        candidates = (model / "tagger", fetched_path(models_dir))
        return next((folder for folder in candidates if is_tagger(folder)), None)
    folder = Path(choice).expanduser()
    if not is_tagger(folder):
        raise ModelError("tagger_missing", path=str(folder))
    return folder


def fetched_path(models_dir: Path) -> Path:
    """Where `model fetch --tagger` puts it."""
    return repository_path(models_dir, TAGGER_REPOSITORY, TAGGER_REVISION)


def is_tagger(folder: Path) -> bool:
    """Whether both files are there."""
    return all((folder / name).is_file() for name in FILES)


def tagger_name(folder: Path) -> str:
    """The name of a tagger in stored results."""
    return TAGGER_REPOSITORY if folder.name == TAGGER_REVISION else folder.parent.name

"""Where the face finder is: with the model, downloaded, or in a file set by the operator."""

from pathlib import Path
from typing import Final

from pipeline.errors import ModelError
from pipeline.model.options import repository_path

REPOSITORY: Final = "nagadomi/lbpcascade_animeface"
REVISION: Final = "4433ab1ae1166ea75acfe99eb0f18709dac329a0"
FILE: Final = "lbpcascade_animeface.xml"
SHA256: Final = "9376d30ac38db6bda2a68b88b3b76bbd7e6aa33af47f7f5c76bc88ca75f1ce30"
"""A quarter of a megabyte. MIT, copyright (C) 2011 by nagadomi@nurs.or.jp, as its head says."""
ABOUT: Final = f"{FILE} by nagadomi, a detector of anime faces: 0.25 MB, licence: MIT."

WITH_MODEL: Final = "faces/cascade.xml"

AUTO: Final = "auto"
OFF: Final = "off"


def find_faces(choice: str, *, model: Path, models_dir: Path) -> Path | None:
    """The file for the setting `choice`: `auto` (the model's own, otherwise the downloaded one),
    `off`, or a file. None: there is none, or it is off. ModelError `faces_missing` if the named
    file is not there."""
    if choice == OFF:
        return None
    if choice == AUTO:
        candidates = (model / WITH_MODEL, fetched_path(models_dir))
        return next((path for path in candidates if path.is_file()), None)
    path = Path(choice).expanduser()
    if not path.is_file():
        raise ModelError("faces_missing", path=str(path))
    return path


def fetched_path(models_dir: Path) -> Path:
    """Where `model fetch --faces` puts it."""
    return repository_path(models_dir, REPOSITORY, REVISION) / FILE

"""The model as it was downloaded or exported."""

from typing import TYPE_CHECKING, Final

from pipeline.errors import ModelError
from pipeline.model.options import EngineOptions, is_repository, model_path

if TYPE_CHECKING:
    from pipeline.model.folder import ModelFolder

CUT_OFF: Final = frozenset(
    {"model_index_missing", "model_component_missing", "model_incomplete", "model_unfinished"}
)
"""Errors which, for a model downloaded here, mean an incomplete download."""


def open_source(options: EngineOptions) -> "ModelFolder":
    """The model as it was downloaded or exported.

    Raises ModelError `model_not_fetched`, `download_incomplete` and what `ModelFolder.open` raises.
    """
    from pipeline.model.folder import ModelFolder

    path = model_path(options)
    if not is_repository(options.model):
        return ModelFolder.open(path)
    if not path.is_dir():
        raise ModelError("model_not_fetched", repository=options.model)
    try:
        return ModelFolder.open(path)
    except ModelError as error:
        if error.key not in CUT_OFF:
            raise
        name = error.data.get("name", "model_index.json")
        raise ModelError("download_incomplete", repository=options.model, name=name) from error

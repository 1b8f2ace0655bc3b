"""Errors as they are stored with failed jobs."""

import json

from data.store.damage import object_of
from pipeline.errors import EkakiError, EngineError
from pipeline.rating import Rating


def error_to_json(error: EkakiError) -> str:
    """An error as it is stored with a failed job."""
    data = {
        name: value.label if isinstance(value, Rating) else value
        for name, value in error.data.items()
    }
    return json.dumps({"key": error.key, "data": data}, default=str)


def error_from_json(text: str) -> EkakiError:
    """The error that a job failed with; a general one if that can't be read any more."""
    kept = object_of(text)
    try:
        return EngineError(str(kept["key"]), **kept["data"])
    except (KeyError, TypeError):
        return EngineError("engine_failed")

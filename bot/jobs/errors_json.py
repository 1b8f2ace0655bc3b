"""Errors as they are kept with failed jobs."""

import json

from pipeline.errors import EkakiError, EngineError
from pipeline.rating import Rating


def error_to_json(error: EkakiError) -> str:
    """An error as it is kept with a failed job."""
    data = {
        name: value.label if isinstance(value, Rating) else value
        for name, value in error.data.items()
    }
    return json.dumps({"key": error.key, "data": data}, default=str)


def error_from_json(text: str) -> EkakiError:
    """The error that a job failed with."""
    kept = json.loads(text)
    return EngineError(kept["key"], **kept["data"])

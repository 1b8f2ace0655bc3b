"""JSON files of a model folder, read into plain values."""

import json
from pathlib import Path
from typing import Any

from pipeline.errors import ModelError

Json = dict[str, object]


def read_json(path: Path) -> Json:
    """The object in `path`.

    Raises ModelError `model_component_missing` without the file, `model_config_wrong` if it is no
    JSON object.
    """
    name = f"{path.parent.name}/{path.name}"
    try:
        found: object = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError("model_component_missing", name=name) from error
    except (OSError, ValueError) as error:
        raise ModelError("model_config_wrong", name=name, problem=str(error)) from error
    if not isinstance(found, dict):
        raise ModelError("model_config_wrong", name=name, problem="not an object")
    return found  # pyright: ignore[reportUnknownVariableType]  # JSON objects have text keys


def number(config: Json, key: str, default: float) -> float:
    """The number `key`; `default` if it is missing or null."""
    value = config.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ModelError("model_config_wrong", name=key, problem=f"{value!r} is no number")
    return float(value)


def whole(config: Json, key: str, default: int) -> int:
    """The whole number `key`; `default` if it is missing or null."""
    value = number(config, key, default)
    if value != int(value):
        raise ModelError("model_config_wrong", name=key, problem=f"{value!r} is not whole")
    return int(value)


def text(config: Json, key: str, default: str) -> str:
    """The text `key`; `default` if it is missing or null."""
    value = config.get(key)
    if value is None:
        return default
    if not isinstance(value, str):
        raise ModelError("model_config_wrong", name=key, problem=f"{value!r} is no text")
    return value


def items(config: Json, key: str) -> list[Any] | None:
    """The list `key`; None if there is none."""
    value = config.get(key)
    return [*value] if isinstance(value, list) else None  # pyright: ignore[reportUnknownVariableType]  # JSON


def numbers(config: Json, key: str) -> list[float] | None:
    """The list of numbers `key`; None if there is none."""
    try:
        return (
            None if (found := items(config, key)) is None else [float(str(each)) for each in found]
        )
    except ValueError as error:
        raise ModelError("model_config_wrong", name=key, problem=str(error)) from error


def levels(config: Json, key: str = "block_out_channels") -> list[int]:
    """A whole number for each level of a network. ModelError if there is none."""
    found = numbers(config, key)
    if not found:
        raise ModelError("model_config_wrong", name=key, problem="missing")
    return [int(each) for each in found]


def up_layers(config: Json) -> tuple[int, ...]:
    """How many layers each up block of a UNet has: one more than the down block beside it."""
    blocks = len(items(config, "up_block_types") or ())
    if isinstance(config.get("layers_per_block"), list):
        return tuple(
            int(layers) + 1 for layers in reversed(items(config, "layers_per_block") or ())
        )
    return (whole(config, "layers_per_block", 2) + 1,) * blocks

"""Dataclasses of plain fields as JSON has them: enums by value, ratings by label."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from enum import Enum
from functools import partial
from typing import Any, ClassVar, Protocol, TypeVar

from pipeline.jsonfields import JsonFields
from pipeline.options import kinds, read_choice
from pipeline.rating import Rating


class Dataclass(Protocol):
    """Any dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


_D = TypeVar("_D", bound=Dataclass)


def plain_values(value: Dataclass) -> dict[str, object]:
    """The fields of `value`, without those that have their default."""
    values: dict[str, Any] = {
        each.name: getattr(value, each.name)
        for each in fields(value)
        if getattr(value, each.name) != each.default
    }
    return {n: each.label if isinstance(each, Rating) else each for n, each in values.items()}


def to_line(values: Mapping[str, object]) -> str:
    """One line of JSON. ValueError for numbers that JSON does not have."""
    return json.dumps(values, ensure_ascii=False, allow_nan=False)


def read_fields(of: type[_D], stored: JsonFields, **known: Any) -> _D:
    """An `of` from its stored form; `known` fields are already read. A missing field gets its
    default, and is an error if it has none."""
    wanted = [
        each.name
        for each in fields(of)
        if each.name not in known and (each.name in stored or each.default is MISSING)
    ]
    found = {name: _value(stored, name, kinds(of)[name]) for name in wanted}
    return of(**found, **known)


def _value(stored: JsonFields, name: str, kind: type[Any]) -> Any:
    if issubclass(kind, Enum):
        return stored.choice(name, partial(read_choice, kind))
    return stored.number(name) if kind is float else stored.of_type(name, kind)

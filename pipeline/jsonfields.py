"""Typed reading of stored JSON: missing values get a default, wrong ones are named."""

import json
from collections.abc import Callable, Mapping
from typing import TypeVar, cast

_T = TypeVar("_T")


class JsonFields:
    """One JSON object. Unknown keys are ignored, so newer records can be read."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values

    @classmethod
    def parse(cls, text: str) -> "JsonFields":
        """The object in `text`; ValueError if there is none."""
        return cls.of(json.loads(text))

    @classmethod
    def of(cls, value: object) -> "JsonFields":
        """`value` as an object; ValueError if it is none."""
        return cls(_as_object(value))

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def number(self, name: str) -> float:
        value = self._values.get(name)
        return float(value) if type(value) is int else self.of_type(name, float)

    def choice(self, name: str, read: Callable[[str], _T]) -> _T:
        """A member of a closed set; `read` raises ValueError for a word outside it."""
        return read(self.of_type(name, str))

    def rows(self, name: str) -> list[object]:
        """A list of anything; empty if there is none."""
        value = self._values.get(name)
        return cast("list[object]", value) if isinstance(value, list) else []

    def object(self, name: str) -> "JsonFields":
        return JsonFields(_as_object(self._values.get(name)))

    def of_type(self, name: str, kind: type[_T]) -> _T:
        """A value of exactly this type."""
        value = self._values.get(name)
        if type(value) is not kind:  # exactly: True is no integer here
            raise ValueError(f"{name!r} should be {kind.__name__}, is {value!r}")
        return value


def _as_object(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - bad data, not a bad call
    return cast("dict[str, object]", value)

"""The library onnx, whose protobuf classes are untyped; imported when it is first used."""

from importlib import import_module
from typing import Any, Final


class _Onnx:
    def __getattr__(self, name: str) -> Any:
        return getattr(import_module("onnx"), name)


onnx: Final[Any] = _Onnx()

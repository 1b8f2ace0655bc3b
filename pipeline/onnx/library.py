"""The library onnx, whose protobuf classes are untyped; imported when it is first used."""

from typing import Any, Final


class _Onnx:
    def __getattr__(self, name: str) -> Any:
        import onnx as library  # it takes a second, and the running bot has no need of it

        return getattr(library, name)


onnx: Final[Any] = _Onnx()

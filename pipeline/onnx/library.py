"""The library onnx, whose protobuf classes are untyped; imported on first use."""

from typing import Any, Final


class _Onnx:
    def __getattr__(self, name: str) -> Any:
        import onnx as library  # it takes a second, and the running bot does not need it

        return getattr(library, name)


onnx: Final[Any] = _Onnx()

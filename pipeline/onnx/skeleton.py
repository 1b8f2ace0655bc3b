"""A graph to be changed, and its weights, read one by one."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import ModelError
from pipeline.onnx.bare_graph import bare_graph
from pipeline.onnx.library import onnx
from pipeline.onnx.weight_files import locate

Array = npt.NDArray[Any]


def load_skeleton(path: Path) -> Any:
    """The `onnx.ModelProto` of `path`, in which every large tensor is an initializer that refers to
    a file.

    Raises ModelError `model_incomplete` if the file is truncated, `model_unreadable`.
    """
    name = f"{path.parent.name}/{path.name}"
    try:
        return onnx.load_model_from_string(bare_graph(path))
    except ValueError as error:
        raise ModelError("model_incomplete", name=name) from error
    except Exception as error:  # protobuf's DecodeError has no public name
        raise ModelError("model_unreadable", name=name, problem=str(error)[:300]) from error


class Weights:
    """Reads the tensors of one component one by one without keeping them. Not thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, Any] = {}

    def read(self, tensor: Any) -> Array:
        """The values of an `onnx.TensorProto`.

        Raises ModelError `model_incomplete` if some are missing, `model_data_elsewhere`.
        """
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            return onnx.numpy_helper.to_array(tensor)
        place = {entry.key: entry.value for entry in tensor.external_data}
        dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type))
        size = int(np.prod(tensor.dims, dtype=np.int64)) * dtype.itemsize
        file = self._open(place["location"])
        file.seek(int(place.get("offset", 0)))
        values = bytearray(size)
        if file.readinto(values) != size:
            raise ModelError("model_incomplete", name=f"{self._folder.name}/{place['location']}")
        return np.frombuffer(values, dtype).reshape(tuple(tensor.dims))

    def close(self) -> None:
        """Close the files. Idempotent."""
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _open(self, location: str) -> Any:
        if location not in self._files:
            try:
                self._files[location] = locate(self._folder, location).open("rb")
            except OSError as error:
                raise ModelError(
                    "model_incomplete", name=f"{self._folder.name}/{location}"
                ) from error
        return self._files[location]

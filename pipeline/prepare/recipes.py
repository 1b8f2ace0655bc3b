"""How tensors are converted: what replaces one, and how its values are computed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.onnx.library import onnx

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Target:
    """A tensor to write. `dtype` is numpy's, `dims` its shape."""

    name: str
    dtype: np.dtype[Any]
    dims: tuple[int, ...]

    @property
    def size_bytes(self) -> int:
        return int(np.prod(self.dims, dtype=np.int64)) * self.dtype.itemsize


@dataclass(frozen=True, slots=True)
class Recipe:
    """`make` computes the values of `targets`, in order, from the values of the source."""

    targets: tuple[Target, ...]
    make: Callable[[Array], tuple[Array, ...]]


@dataclass(slots=True)
class Conversion:
    """A changed graph whose weights are still in the source.

    `model`: an `onnx.ModelProto`; its initializers are those of the source, by their old names.
    `recipes`: what is written instead of some of them. `merges`: what is added to some of them
    first.
    """

    model: Any
    recipes: dict[str, Recipe] = field(default_factory=dict[str, Recipe])
    merges: dict[str, Callable[[Array], Array]] = field(
        default_factory=dict[str, Callable[[Array], Array]]
    )

    def recipe(self, tensor: Any) -> Recipe:
        """What is written for an initializer; without a recipe, the same."""
        found = self.recipes.get(tensor.name)
        return found if found is not None else Recipe((same(tensor),), lambda values: (values,))


def same(tensor: Any) -> Target:
    """The target that equals an `onnx.TensorProto`."""
    dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type))
    return Target(tensor.name, dtype, tuple(int(dim) for dim in tensor.dims))

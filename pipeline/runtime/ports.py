"""The common interface of all runtimes' sessions: named inputs and outputs, and `run`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Adapter = Mapping[str, Any]
"""What a session's `place` returns: matrices of its low-rank branch by the inputs' names."""


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output. `shape` has a number for a fixed axis, a name or None for a free one."""

    name: str
    shape: tuple[int | str | None, ...]
    dtype: np.dtype[Any]


def as_typed(values: Mapping[str, Array], ports: Mapping[str, Port]) -> dict[str, Array]:
    """`values` cast to the dtypes of the inputs of the same names, contiguous."""
    return {
        name: np.asarray(value, dtype=ports[name].dtype, order="C")
        for name, value in values.items()
    }


class Session(Protocol):
    """A loaded ONNX graph. `run` may be called by several threads."""

    @property
    def inputs(self) -> Mapping[str, Port]: ...

    @property
    def outputs(self) -> Mapping[str, Port]: ...

    @property
    def branch(self) -> Mapping[str, Port]:
        """The inputs of its low-rank branch (`pipeline.onnx.branch`); none without one."""
        ...

    @property
    def provider(self) -> str:
        """Where it really runs: `CPUExecutionProvider` (any runtime's) or another."""
        ...

    def place(self, matrices: Mapping[str, Array]) -> Adapter:
        """Values of inputs of `branch`, in their dtypes, on the device, for any number of runs."""
        ...

    def run(
        self,
        inputs: Mapping[str, Array],
        outputs: Sequence[str] | None = None,
        adapter: Adapter | None = None,
    ) -> dict[str, Array]:
        """Outputs by name, all or the requested ones. Inputs are cast to the graph's dtypes.
        `adapter`: what `place` returned; the rest of the branch is empty.

        Raises EngineError `inference_failed`, `out_of_memory`, `device_lost`.
        """
        ...

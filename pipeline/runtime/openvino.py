# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportMissingImports=false, reportUnknownParameterType=false
# openvino is an optional extra
"""OpenVINO as a second runtime for processors: a `Session` over the same ONNX file, in bfloat16,
and in eight bits where weights are stored in these.

The file is mapped, not read: in the first run OpenVINO copies the weights in the processor's own
order, and afterwards hardly any page of the file is needed, so the system can reclaim them.

The part that turns timestep and sizes into sines and cosines stays in single precision: in bfloat16
it is off by a fifth. OpenVINO uses one precision for a whole model, so the graph is cut there, and
its start is a separate model.
"""

import copy
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pipeline.errors import EngineError, ModelError
from pipeline.lora.adapter import PREFIX
from pipeline.runtime.cpu import Cpu
from pipeline.runtime.openvino_graph import (
    CONVOLUTION,
    FRONT,
    Shapes,
    bf16_tensor,
    cut,
    group_size,
    keep_branch,
    padded,
)
from pipeline.runtime.ports import Adapter, Port, as_typed
from pipeline.runtime.providers import CPU
from pipeline.runtime.trouble import brief, trouble_of

Array = npt.NDArray[Any]

_BF16_FLAGS: Final = frozenset({"avx512_bf16", "amx_bf16"})


def openvino_version() -> str:
    """The installed version, or "" without one. Imports nothing."""
    try:
        return metadata.version("openvino")
    except metadata.PackageNotFoundError:
        return ""


def computes_bf16(cpu: Cpu) -> bool:
    """Whether `cpu` multiplies bfloat16 natively; otherwise it would be emulated slowly."""
    return bool(cpu.flags & _BF16_FLAGS)


class _Body:
    """The UNet's main part, compiled without its low-rank branch (None) or with it, never both at
    once: they would have a copy of the weights each. An empty branch would make a step a third
    slower."""

    def __init__(self, compiled: Callable[[Shapes | None], Any]) -> None:
        self._compiled = compiled
        self._branch: Shapes | None = None
        self.model = compiled(None)
        self.request = self.model.create_infer_request()

    def use(self, branch: Shapes | None) -> None:
        """Have it with or without the branch; a change takes as long as loading."""
        if branch != self._branch:
            del self.request, self.model
            self.model = self._compiled(branch)
            self.request = self.model.create_infer_request()
            self._branch = branch


class OpenVinoSession:
    """A `Session` on the processor. `front` computes additional inputs of `body`."""

    def __init__(self, front: Any, body: _Body, inputs: Mapping[str, Port]) -> None:
        self._front = None if front is None else front.create_infer_request()
        self._body = body
        self.inputs = {name: port for name, port in inputs.items() if not name.startswith(PREFIX)}
        self.branch = {name: port for name, port in inputs.items() if name.startswith(PREFIX)}
        self._empty = {
            name: bf16_tensor(_empty(port))
            for name, port in self.branch.items()
            if len(port.shape) != CONVOLUTION
        }
        self.outputs: Mapping[str, Port] = {
            port.any_name: port_of(port) for port in body.model.outputs
        }
        self.provider = CPU
        self._gives_back = False
        self._lock = threading.Lock()

    def giving_back(self) -> "OpenVinoSession":
        """The same session, which returns its activations to the system after each run."""
        session = copy.copy(self)
        session._gives_back = True
        return session

    def place(self, matrices: Mapping[str, Array]) -> Adapter:
        """See `Session.place`. They are rounded once: cast in each run they cost a tenth of it."""
        return {name: bf16_tensor(padded(name, matrix)) for name, matrix in matrices.items()}

    def run(
        self,
        inputs: Mapping[str, Array],
        outputs: Sequence[str] | None = None,
        adapter: Adapter | None = None,
    ) -> dict[str, Array]:
        """See `Session.run`. One run at a time: a request keeps its activations for the next,
        unless this is `giving_back`."""
        feed = as_typed(inputs, self.inputs)
        try:
            with self._lock:
                return self._run(feed, list(outputs or self.outputs), adapter or {})
        except Exception as error:  # openvino raises RuntimeError for everything
            full = isinstance(error, MemoryError) or trouble_of(str(error)) == "out_of_memory"
            trouble = "out_of_memory" if full else "inference_failed"
            raise EngineError(trouble, problem=brief(str(error))) from error

    def _run(self, feed: dict[str, Array], wanted: list[str], adapter: Adapter) -> dict[str, Array]:
        if self._front is not None:
            made = self._front.infer(feed)
            feed |= {f"{FRONT}{number}": made[number] for number in range(len(made))}
        shapes = {
            name: shape
            for name, matrix in adapter.items()
            if len(shape := tuple(int(side) for side in matrix.shape)) == CONVOLUTION
        }
        self._body.use(shapes if adapter else None)
        if adapter:
            feed = {**feed, **self._empty, **adapter}
        answer = self._body.request.infer(feed)
        found = {name: np.array(answer[name]) for name in wanted}
        if self._gives_back:
            self._body.model.release_memory()
        return found


def open_in_bf16(path: Path, *, threads: int) -> OpenVinoSession:
    """The graph in `path`, computing in bfloat16. Raises ModelError `openvino_missing`,
    `model_unreadable`, `model_does_not_fit`."""
    try:
        import openvino
    except ImportError as error:
        raise ModelError("openvino_missing") from error
    try:
        core = openvino.Core()
        whole = core.read_model(path)
        inputs = {port.any_name: port_of(port) for port in whole.inputs}
        front, _ = cut(whole)

        def compiled(branch: Shapes | None) -> Any:
            model = core.read_model(path)  # mapped, so this is quick
            keep_branch(model, branch)
            return compile_model(core, cut(model)[1], "bf16", threads)

        return OpenVinoSession(
            None if front is None else compile_model(core, front, "f32", threads),
            _Body(compiled),
            inputs,
        )
    except Exception as error:  # openvino raises RuntimeError for everything
        full = isinstance(error, MemoryError) or trouble_of(str(error)) == "out_of_memory"
        trouble = "model_does_not_fit" if full else "model_unreadable"
        raise ModelError(trouble, name=path.parent.name, problem=brief(str(error))) from error


def compile_model(core: Any, model: Any, precision: str, threads: int) -> Any:
    """`model` on the processor, computing in `precision` (`bf16` or `f32`)."""
    options: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,  # the cores are not ours alone
    }
    if group := group_size(model):
        options["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = group
    return core.compile_model(model, "CPU", options)


def _empty(port: Port) -> Array:
    """The value of an input of the branch that a LoRA leaves alone: rank 0."""
    return np.zeros([dim if isinstance(dim, int) else 0 for dim in port.shape], port.dtype)


def port_of(port: Any) -> Port:
    """An input or output of OpenVINO's."""
    shape = tuple(
        dimension.get_length() if dimension.is_static else None
        for dimension in port.get_partial_shape()
    )
    return Port(port.any_name, shape, np.dtype(port.get_element_type().to_dtype()))

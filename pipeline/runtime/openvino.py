# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportMissingImports=false, reportUnknownParameterType=false
# openvino is an optional extra
"""OpenVINO as a second runtime for processors: a `Session` over the same ONNX file, in bfloat16.

The file is mapped, not read: in the first run OpenVINO copies the weights in the processor's own
order, and afterwards hardly any page of the file is needed, so the system can reclaim them.

The part that turns timestep and sizes into sines and cosines stays in single precision: in bfloat16
it is off by a fifth. OpenVINO uses one precision for a whole model, so the graph is cut there, and
its start is a separate model.
"""

import copy
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pipeline.errors import EngineError, ModelError
from pipeline.lora.adapter import PREFIX
from pipeline.runtime.cpu import Cpu
from pipeline.runtime.ports import Adapter, Port, as_typed
from pipeline.runtime.providers import CPU
from pipeline.runtime.trouble import brief, trouble_of

Array = npt.NDArray[Any]

SINGLE_INPUTS: Final = frozenset({"timestep", "time_ids"})
_FRONT: Final = "ekaki_front_"
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
    """The UNet's main part, compiled without its low-rank branch or with it, never both at once:
    they would have a copy of the weights each. An empty branch would make a step a third slower."""

    def __init__(self, compiled: Callable[[bool], Any]) -> None:
        self._compiled = compiled
        self._has_branch = False
        self.model = compiled(False)
        self.request = self.model.create_infer_request()

    def use(self, *, branch: bool) -> None:
        """Have it with or without the branch; a change takes as long as loading."""
        if branch != self._has_branch:
            del self.request, self.model
            self.model = self._compiled(branch)
            self.request = self.model.create_infer_request()
            self._has_branch = branch


class OpenVinoSession:
    """A `Session` on the processor. `front` computes additional inputs of `body`."""

    def __init__(self, front: Any, body: _Body, inputs: Mapping[str, Port]) -> None:
        self._front = None if front is None else front.create_infer_request()
        self._body = body
        self.inputs = {name: port for name, port in inputs.items() if not name.startswith(PREFIX)}
        self.branch = {name: port for name, port in inputs.items() if name.startswith(PREFIX)}
        self._empty = {name: _empty(port) for name, port in self.branch.items()}
        self.outputs: Mapping[str, Port] = {
            port.any_name: _port(port) for port in body.model.outputs
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
        """See `Session.place`."""
        return matrices

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
            feed |= {f"{_FRONT}{number}": made[number] for number in range(len(made))}
        self._body.use(branch=bool(adapter))
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
        inputs = {port.any_name: _port(port) for port in whole.inputs}
        front, _ = _cut(whole)

        def compiled(branch: bool) -> Any:
            model = core.read_model(path)  # mapped, so this is quick
            if not branch:
                _drop_branch(model)
            return _compiled(core, _cut(model)[1], "bf16", threads)

        return OpenVinoSession(
            None if front is None else _compiled(core, front, "f32", threads),
            _Body(compiled),
            inputs,
        )
    except Exception as error:  # openvino raises RuntimeError for everything
        full = isinstance(error, MemoryError) or trouble_of(str(error)) == "out_of_memory"
        trouble = "model_does_not_fit" if full else "model_unreadable"
        raise ModelError(trouble, name=path.parent.name, problem=brief(str(error))) from error


def _drop_branch(model: Any) -> None:
    """Let each layer's own output go on without what its branch adds, and remove the inputs."""
    for parameter in model.get_parameters():
        name = parameter.output(0).any_name
        if not name.startswith(PREFIX):
            continue
        if name.endswith("/B"):  # cast, then multiplied, then added to the layer's output
            product = _only_user(_only_user(parameter))
            added = _only_user(product)
            base = next(
                each.get_source_output()
                for each in added.inputs()
                if each.get_source_output().get_node() != product
            )
            added.output(0).replace(base)
    for parameter in model.get_parameters():
        if parameter.output(0).any_name.startswith(PREFIX):
            model.remove_parameter(parameter)


def _only_user(node: Any) -> Any:
    (target,) = node.output(0).get_target_inputs()
    return target.get_node()


def _compiled(core: Any, model: Any, precision: str, threads: int) -> Any:
    options = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,  # the cores are not ours alone
    }
    return core.compile_model(model, "CPU", options)


def _cut(whole: Any) -> tuple[Any | None, Any]:
    """The part that turns timestep and sizes into sines and cosines, up to where the graph casts
    them to bfloat16, and the rest, which takes its outputs as inputs. None and `whole` for a graph
    without a timestep. `whole` can't be used afterwards."""
    import openvino
    from openvino import opset13

    model: Any = openvino.Model  # its stubs don't know its own constructors
    if not {port.any_name for port in whole.inputs} >= SINGLE_INPUTS:
        return None, whole
    early = whole.clone()  # its weights are shared, and most of it is left out
    results: list[Any] = []
    for output, _ in _border(early):
        results.append(opset13.result(output))
    of_front = [
        node for node in early.get_parameters() if not node.output(0).any_name.startswith(PREFIX)
    ]
    front = model(results, of_front, "front")
    given: list[Any] = []
    for number, (output, targets) in enumerate(_border(whole)):
        name = f"{_FRONT}{number}"
        parameter = opset13.parameter(output.get_partial_shape(), np.float32, name=name)
        parameter.output(0).get_tensor().set_names({name})
        for target in targets:
            target.replace_source_output(parameter.output(0))
        given.append(parameter)
    return front, model(whole.get_results(), [*whole.get_parameters(), *given], "body")


def _border(model: Any) -> Iterator[tuple[Any, list[Any]]]:
    """Each value that is cast to bfloat16 on its way from timestep and sizes, and the casts."""
    parameters = {node.output(0).any_name: node for node in model.get_parameters()}
    found: dict[tuple[str, int], tuple[Any, list[Any]]] = {}
    seen: set[str] = set()
    waiting = [parameters[name].output(0) for name in sorted(SINGLE_INPUTS)]
    while waiting:
        output = waiting.pop()
        node = output.get_node()
        for target in output.get_target_inputs():
            user = target.get_node()
            name = user.get_friendly_name()
            if _rounds(user):
                key = (node.get_friendly_name(), output.get_index())
                found.setdefault(key, (output, []))[1].append(target)
            elif name not in seen:
                seen.add(name)
                waiting += user.outputs()
    yield from found.values()


def _rounds(node: Any) -> bool:
    """Whether `node` is a cast to bfloat16."""
    return (
        node.get_type_name() == "Convert"
        and node.get_output_element_type(0).get_type_name() == "bf16"
    )


def _empty(port: Port) -> Array:
    """The value of an input of the branch that a LoRA leaves alone: rank 0."""
    return np.zeros([dim if isinstance(dim, int) else 0 for dim in port.shape], port.dtype)


def _port(port: Any) -> Port:
    shape = tuple(
        dimension.get_length() if dimension.is_static else None
        for dimension in port.get_partial_shape()
    )
    return Port(port.any_name, shape, np.dtype(port.get_element_type().to_dtype()))

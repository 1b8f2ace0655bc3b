# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportMissingImports=false, reportUnknownParameterType=false
# openvino is an optional extra
"""Runs a graph in OpenVINO part by part: one part's weights are copied in the processor's order,
used, and released before the next.

For checks: it takes a part of the memory, and each run takes as long as loading.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from pipeline.lora.adapter import PREFIX
from pipeline.runtime.openvino import compile_model, port_of
from pipeline.runtime.openvino_graph import FRONT, cut, keep_branch
from pipeline.runtime.ports import Adapter, Array, Port, as_typed
from pipeline.runtime.providers import CPU

_PART_BYTES: Final = 400e6
"""Of weights. A part takes about twice as much while it runs."""
_NO_STEPS: Final = frozenset({"Constant", "Parameter", "Result"})
Value = tuple[str, int]
"""A node's name and the number of its output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """`nodes` by name; what they take from elsewhere, and what others take from them."""

    nodes: frozenset[str]
    takes: list[Value]
    makes: list[Value]


class PartedSession:
    """A `Session` of the graph in `path` in bfloat16, without its low-rank branch. What OpenVINO
    raises is not translated: this is for checks."""

    def __init__(self, path: Path, *, threads: int) -> None:
        self._path = path
        self._threads = threads
        model = self._read()
        ports = [port_of(port) for port in model.inputs]
        self.inputs = {port.name: port for port in ports if not port.name.startswith(PREFIX)}
        self.outputs = {port.any_name: port_of(port) for port in model.outputs}
        self.branch: Mapping[str, Port] = {}
        self.provider = CPU

    def place(self, matrices: Mapping[str, Array]) -> Adapter:
        """See `Session.place`."""
        return matrices

    def run(
        self,
        inputs: Mapping[str, Array],
        outputs: Sequence[str] | None = None,
        adapter: Adapter | None = None,
    ) -> dict[str, Array]:
        """See `Session.run`. ValueError for an `adapter`."""
        if adapter:
            raise ValueError("a graph in parts has no branch")
        import openvino

        core = openvino.Core()
        model = self._read()
        keep_branch(model, None)
        front, body = cut(model)
        feed: dict[str, Any] = dict(as_typed(inputs, self.inputs))
        if front is not None:
            names = {port.any_name for port in front.inputs}
            single = compile_model(core, front, "f32", self._threads).create_infer_request()
            made = single.infer({name: feed[name] for name in names})
            feed |= {f"{FRONT}{number}": np.array(made[number]) for number in range(len(made))}
        found = run_in_parts(
            body, feed, lambda part: compile_model(core, part, "bf16", self._threads)
        )
        return {name: np.array(found[name].data) for name in outputs or self.outputs}

    def _read(self) -> Any:
        import openvino

        return openvino.Core().read_model(self._path)  # mapped, so this is quick


def run_in_parts(
    model: Any, feed: Mapping[str, Any], compiled: Callable[[Any], Any]
) -> dict[str, Any]:
    """The outputs of `model` (an `openvino.Model`) by name, as tensors, for the inputs `feed`.
    `compiled` compiles a part."""
    values: dict[Value, Any] = {
        (node.get_friendly_name(), 0): feed[node.output(0).any_name]
        for node in model.get_parameters()
    }
    for part in _parts(model):
        cut_out = _cut_out(model.clone(), part)  # a clone shares the weights
        request = compiled(cut_out).create_infer_request()
        request.infer({number: values[value] for number, value in enumerate(part.takes)})
        for number, value in enumerate(part.makes):
            values[value] = _copy(request.get_output_tensor(number))
    return {port.any_name: values[_value(port.get_node().input_value(0))] for port in model.outputs}


def _copy(tensor: Any) -> Any:
    from openvino import Tensor

    own = Tensor(tensor.element_type, tensor.shape)
    tensor.copy_to(own)
    return own


def _value(output: Any) -> Value:
    return output.get_node().get_friendly_name(), int(output.get_index())


def _parts(model: Any) -> Iterator[_Part]:
    """All nodes but those that depend on weights alone, which each part has for itself."""
    order = [node for node in model.get_ordered_ops() if node.get_type_name() not in _NO_STEPS]
    fixed: set[str] = {
        node.get_friendly_name()
        for node in model.get_ordered_ops()
        if node.get_type_name() == "Constant"
    }
    groups: list[list[Any]] = [[]]
    size = 0.0
    for node in order:
        sources = [port.get_source_output() for port in node.inputs()]
        if sources and all(each.get_node().get_friendly_name() in fixed for each in sources):
            fixed.add(node.get_friendly_name())
            continue
        groups[-1].append(node)
        size += sum(
            _bytes(each) for each in sources if each.get_node().get_friendly_name() in fixed
        )
        if size > _PART_BYTES:
            groups.append([])
            size = 0
    for group in filter(None, groups):
        yield _part(group, fixed)


def _part(group: list[Any], fixed: set[str]) -> _Part:
    names = frozenset(node.get_friendly_name() for node in group)
    takes: dict[Value, None] = {}
    makes: dict[Value, None] = {}
    for node in group:
        for port in node.inputs():
            value = _value(port.get_source_output())
            if value[0] not in names and value[0] not in fixed:
                takes[value] = None
        for output in node.outputs():
            users = [each.get_node().get_friendly_name() for each in output.get_target_inputs()]
            if any(user not in names for user in users):
                makes[_value(output)] = None
    return _Part(nodes=names, takes=list(takes), makes=list(makes))


def _bytes(output: Any) -> int:
    size = output.get_element_type().size
    for dimension in output.get_partial_shape():
        size *= dimension.get_length() if dimension.is_static else 1
    return int(size)


def _cut_out(model: Any, part: _Part) -> Any:
    """A model of `part` alone, of `model`, which can't be used afterwards."""
    import openvino
    from openvino import opset13

    make: Any = openvino.Model  # its stubs don't know its own constructors
    nodes = {node.get_friendly_name(): node for node in model.get_ordered_ops()}
    results = [opset13.result(nodes[name].output(number)) for name, number in part.makes]
    given: list[Any] = []
    for name, number in part.takes:
        output = nodes[name].output(number)
        parameter = opset13.parameter(output.get_partial_shape(), output.get_element_type())
        for target in output.get_target_inputs():
            if target.get_node().get_friendly_name() in part.nodes:
                target.replace_source_output(parameter.output(0))
        given.append(parameter)
    return make(results, given, "part")

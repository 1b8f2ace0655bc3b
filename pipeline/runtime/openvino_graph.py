# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportMissingImports=false, reportUnknownParameterType=false
# openvino is an optional extra
"""Changes graphs that OpenVINO has read, before they are compiled."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pipeline.lora.adapter import PREFIX, rank_axis

Array = npt.NDArray[Any]

SINGLE_INPUTS: Final = frozenset({"timestep", "time_ids"})
FRONT: Final = "ekaki_front_"
"""Begins the names of what the part in single precision gives to the rest."""
CONVOLUTION: Final = 4  # axes of the matrices of its branch
_LEAST_RANK: Final = 16
_GROUPS: Final = (320, 128, 64, 32)
_NEARLY_ALL: Final = 0.9

Shapes = Mapping[str, tuple[int, ...]]
"""Of the matrices of convolutions, by input: OpenVINO compiles these for one rank each."""


def cut(whole: Any) -> tuple[Any | None, Any]:
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
        name = f"{FRONT}{number}"
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


def keep_branch(model: Any, branch: Shapes | None) -> None:
    """Remove the low-rank branch (None), or that of the convolutions alone that are not among
    `branch`; the others get these shapes. A layer's own output goes on without what its branch
    adds. What stays is given in bfloat16, to which the graph would cast it."""
    from openvino import PartialShape, Type

    dropped: list[Any] = []
    for parameter in model.get_parameters():
        name = parameter.output(0).any_name
        if not name.startswith(PREFIX):
            continue
        is_convolution = len(parameter.get_partial_shape()) == CONVOLUTION
        if branch is not None and (not is_convolution or name in branch):
            parameter.set_element_type(Type.bf16)
            if is_convolution:
                parameter.set_partial_shape(PartialShape(list(branch[name])))
            continue
        dropped.append(parameter)
        if name.endswith("/B"):
            _leave_out(parameter)
    for parameter in dropped:
        model.remove_parameter(parameter)
    model.validate_nodes_and_infer_types()


def _leave_out(b: Any) -> None:
    """Let a layer's own output go on. `b`, of its branch, is cast, multiplied, then added."""
    product = _only_user(_only_user(b))
    added = _only_user(product)
    base = next(
        each.get_source_output()
        for each in added.inputs()
        if each.get_source_output().get_node() != product
    )
    added.output(0).replace(base)


def group_size(model: Any) -> int:
    """How many numbers of a token OpenVINO should quantise together, for layers with weights in
    eight bits: the largest that divides the depth of nearly all; 0 without such layers.

    Layers that it does not divide are not computed in eight bits. With its own 32, a layer takes
    1.4 times as long as with 320.
    """
    sizes = Counter[int]()  # of the weights, by depth
    for node in model.get_ops():
        if node.get_type_name() == "MatMul" and (weight := _scaled(node)) is not None:
            depth, width = (int(side) for side in weight.get_output_shape(0))
            sizes[depth] += depth * width
    fits = (
        group
        for group in _GROUPS
        if sum(size for depth, size in sizes.items() if depth % group == 0)
        >= _NEARLY_ALL * sizes.total()
    )
    return next(fits, _GROUPS[-1]) if sizes else 0


def _scaled(product: Any) -> Any | None:
    """The weight of a MatMul, in eight bits times a scale; None for another one."""
    weight = product.input_value(1).get_node()
    if weight.get_type_name() != "Multiply":
        return None
    wide = weight.input_value(0).get_node()
    is_wide = wide.get_type_name() == "Convert"
    return weight if is_wide and wide.get_input_element_type(0).get_type_name() == "i8" else None


def padded(name: str, matrix: Array) -> Array:
    """The matrix of a convolution with zeros up to the next rank of a few, so that another LoRA
    seldom needs another graph."""
    if matrix.ndim != CONVOLUTION:
        return matrix
    axis = rank_axis(name.rpartition("/")[2], matrix.ndim)
    rank = matrix.shape[axis]
    wanted = max(_LEAST_RANK, 1 << (rank - 1).bit_length())
    return np.pad(matrix, [(0, (wanted - rank) * (each == axis)) for each in range(matrix.ndim)])


def bf16_tensor(values: Array) -> Any:
    """An OpenVINO tensor with `values` rounded to bfloat16, to the nearest."""
    from openvino import Shape, Tensor, Type

    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16  # ties to even
    tensor = Tensor(Type.bf16, Shape(list(values.shape)))
    if values.size:
        tensor.data.view(np.uint16)[...] = rounded.astype(np.uint16)
    return tensor


def _only_user(node: Any) -> Any:
    (target,) = node.output(0).get_target_inputs()
    return target.get_node()

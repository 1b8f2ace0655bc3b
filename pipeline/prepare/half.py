"""Half precision for chosen nodes, with casts next to those that stay in single precision.

Inputs and outputs of the graph keep their types, so a folder with such a model is used like any
other, and no component gets half precision that it does not expect.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pipeline.onnx.graph import GraphView, drop_unused, replace_nodes
from pipeline.onnx.library import onnx
from pipeline.prepare.recipes import Conversion, Recipe, Target, same

Array = npt.NDArray[Any]
Chooser = Callable[[Any], bool]

LARGEST: Final = 65504.0  # of float16; masks use -3.4e38, which would become -inf
_LARGEST_BF16: Final = 3.38e38
_SINGLE_SLOTS: Final = {"Resize": frozenset({1, 2})}
"""Inputs that ONNX requires in single precision regardless of the data's type: roi and scales."""


@dataclass(frozen=True, slots=True)
class Half:
    """A type of sixteen bits: numpy's, ONNX's number of it, and the largest value."""

    dtype: np.dtype[Any]
    kind: int
    largest: float

    @classmethod
    def fp16(cls) -> "Half":
        return cls(np.dtype(np.float16), onnx.TensorProto.FLOAT16, LARGEST)

    @classmethod
    def bf16(cls) -> "Half":
        """bfloat16: the range of single precision, fewer digits."""
        import ml_dtypes

        return cls(np.dtype(ml_dtypes.bfloat16), onnx.TensorProto.BFLOAT16, _LARGEST_BF16)

    def of(self, values: Array) -> Array:
        """Convert float32, clamping to the largest value."""
        return np.clip(values, -self.largest, self.largest).astype(self.dtype)


def to_half(conversion: Conversion, types: dict[str, int], chosen: Chooser, half: Half) -> None:
    """Run the nodes that `chosen` picks in the half precision `half`.

    `types`: the ONNX element type of each value, of the graph as it was in single precision.
    """
    _Halving(conversion, types, chosen, half).run()


class _Halving:
    """One pass over a graph. `_half`: values that are in half precision now."""

    def __init__(
        self, conversion: Conversion, types: dict[str, int], chosen: Chooser, half: Half
    ) -> None:
        self._type = half
        self._conversion = conversion
        self._model = conversion.model
        self._view = GraphView(self._model)
        self._floats = {name for name, kind in types.items() if kind == onnx.TensorProto.FLOAT}
        self._chosen = {
            node.output[0]
            for node in self._model.graph.node
            if node.op_type != "Constant" and chosen(node)
        }
        self._half: set[str] = set()
        self._front: list[Any] = []
        self._after: dict[str, list[Any]] = {}
        self._made: dict[tuple[str, bool], str] = {}

    def run(self) -> None:
        graph = self._model.graph
        for node in graph.node:
            if node.output[0] in self._chosen:
                self._retype(node)
        shared = self._initializers_of_both()
        for node in graph.node:
            for index, name in enumerate(node.input):
                if name in self._floats:
                    node.input[index] = self._as_wanted(node, index, name, shared)
        for output in graph.output:
            self._restore(output)
        order = [*self._front]
        for node in graph.node:
            order += [node, *self._after.get(node.output[0], [])]
        replace_nodes(self._model, order)
        drop_unused(self._model)

    def _wants_half(self, node: Any, index: int) -> bool:
        return node.output[0] in self._chosen and index not in _SINGLE_SLOTS.get(node.op_type, ())

    def _retype(self, node: Any) -> None:
        """Outputs of a chosen node are in half precision; some nodes state their type."""
        kinds = onnx.TensorProto
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == kinds.FLOAT:
                attribute.i = self._type.kind
            if node.op_type == "ConstantOfShape" and attribute.t.data_type == kinds.FLOAT:
                values = onnx.numpy_helper.to_array(attribute.t)
                attribute.t.CopyFrom(onnx.numpy_helper.from_array(self._type.of(values)))
        self._half.update(name for name in node.output if name in self._floats)

    def _initializers_of_both(self) -> set[str]:
        """Weights that are used in half and in single precision."""
        wanted: dict[str, set[bool]] = {}
        for node in self._model.graph.node:
            for index, name in enumerate(node.input):
                if name in self._view.initializers and name in self._floats:
                    wanted.setdefault(name, set()).add(self._wants_half(node, index))
        for name, kinds in wanted.items():
            if True in kinds:
                self._halve_weight(name, both=len(kinds) > 1)
        return {name for name, kinds in wanted.items() if len(kinds) > 1}

    def _halve_weight(self, name: str, *, both: bool) -> None:
        whole = same(self._view.initializers[name])
        half = Target(_half_name(name) if both else name, self._type.dtype, whole.dims)
        if both:
            recipe = Recipe((whole, half), lambda values: (values, self._type.of(values)))
        else:
            recipe = Recipe((half,), lambda values: (self._type.of(values),))
        self._conversion.recipes[name] = recipe

    def _as_wanted(self, node: Any, index: int, name: str, shared: set[str]) -> str:
        """The name of `name` in the precision that `node` needs."""
        wanted = self._wants_half(node, index)
        if name in self._view.initializers:
            return _half_name(name) if wanted and name in shared else name
        if wanted == (name in self._half):
            return name
        key = (name, wanted)
        if key not in self._made:
            self._made[key] = self._convert(name, to_half=wanted)
        return self._made[key]

    def _convert(self, name: str, *, to_half: bool) -> str:
        """A node that casts `name` to the other precision."""
        maker = self._view.makers.get(name)
        made = _half_name(name) if to_half else f"{name}__single"
        constant = self._view.constant(name) if maker is not None and to_half else None
        if constant is not None:
            node = onnx.helper.make_node(
                "Constant",
                [],
                [made],
                value=onnx.numpy_helper.from_array(self._type.of(constant)),
            )
        else:
            kinds = onnx.TensorProto
            kind = self._type.kind if to_half else kinds.FLOAT
            node = onnx.helper.make_node("Cast", [name], [made], name=made, to=kind)
        if maker is None:
            self._front.append(node)
        else:
            self._after.setdefault(maker.output[0], []).append(node)
        return made

    def _restore(self, output: Any) -> None:
        """Restore the original type of a graph output."""
        if output.name not in self._half:
            return
        inside = _half_name(output.name) + "__inside"
        for node in self._model.graph.node:
            for names in (node.input, node.output):
                for index, name in enumerate(names):
                    if name == output.name:
                        names[index] = inside
        maker = self._view.makers[output.name]
        for node in [each for group in self._after.values() for each in group]:
            for index, name in enumerate(node.input):
                if name == output.name:
                    node.input[index] = inside
        cast = onnx.helper.make_node(
            "Cast", [inside], [output.name], name=inside, to=onnx.TensorProto.FLOAT
        )
        self._after.setdefault(maker.output[0], []).append(cast)


def _half_name(name: str) -> str:
    return f"{name}__half"


def is_in_half(model: Any) -> bool:
    """Whether the source itself computes in float16, rather than only storing weights in it."""
    view = GraphView(model)
    stored = (
        view.initializers.get(node.input[1]) for node in model.graph.node if node.op_type == "Conv"
    )
    return any(each is not None and each.data_type == Half.fp16().kind for each in stored)


def outside_embeddings(model: Any) -> Chooser:
    """All nodes of a UNet but those that make sines and cosines of the timestep and the sizes.

    In half precision these are up to 8 % off, which later layers can't correct. They end at the
    first linear layer, or where the pooled text is added.
    """
    view = GraphView(model)
    island: set[str] = set()
    waiting = ["timestep", "time_ids"]
    while waiting:
        name = waiting.pop()
        for node in view.users.get(name, []):
            joins = node.op_type == "Concat" and "text_embeds" in node.input
            if node.op_type in {"MatMul", "Gemm", "Shape"} or joins or node.output[0] in island:
                continue
            island.add(node.output[0])
            waiting += node.output
    for node in reversed(model.graph.node):  # what feeds them: frequencies that are computed
        if any(
            user.output[0] in island for name in node.output for user in view.users.get(name, [])
        ):
            island.add(node.output[0])
    return lambda node: node.output[0] not in island


def only_products(model: Any) -> Chooser:
    """Linear layers and tables of a text encoder: its norms, sums and softmax stay as they are,
    since the outliers in its hidden states overflow when squared."""
    view = GraphView(model)

    def chosen(node: Any) -> bool:
        if node.op_type in {"MatMul", "Gemm"}:
            return view.weight(node.input[1]) is not None
        table = view.weight(node.input[0]) if node.op_type == "Gather" else None
        return table is not None and len(table.dims) == 2

    return chosen

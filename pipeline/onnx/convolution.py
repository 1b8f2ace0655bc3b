"""Finds the convolutions of a graph, by the names of their modules in diffusers, and makes their
low-rank branch: a convolution of few channels, then one of 1 x 1 back to all of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pipeline.onnx.graph import GraphView
from pipeline.onnx.library import onnx
from pipeline.onnx.linear import module_of, stored_behind

_WHERE: Final = frozenset({"strides", "pads", "dilations", "auto_pad"})
"""Attributes that a convolution shares with its branch."""


@dataclass(frozen=True, slots=True)
class Convolution:
    """A convolution. `module`: its dotted path in diffusers. `node`: the name of its Conv, which
    conversions keep. `depth` and `width`: the channels of what it takes and what it makes.
    `kernel`: (height, width) in pixels."""

    module: str
    node: str
    depth: int
    width: int
    kernel: tuple[int, int]

    @property
    def numbers_per_rank(self) -> int:
        """How many numbers its branch has for each rank."""
        return self.depth * self.kernel[0] * self.kernel[1] + self.width


def convolutions(model: Any) -> Iterator[Convolution]:
    """The two-dimensional convolutions of an `onnx.ModelProto` whose weights are stored in it."""
    view = GraphView(model)
    for node in model.graph.node:
        if node.op_type != "Conv" or not node.name:
            continue
        weight, _ = stored_behind(view, node.input[1])
        module = module_of(node)
        groups = next((each.i for each in node.attribute if each.name == "group"), 1)
        if weight is None or len(weight.dims) != 4 or groups != 1 or not module:
            continue
        width, depth, tall, wide = (int(dim) for dim in weight.dims)
        yield Convolution(module, str(node.name), depth, width, (tall, wide))


def added(
    product: Any, a: str, b: str, kind: int, *, name: str, base: str, output: str, guarded: bool
) -> list[Any]:
    """The nodes that make `output` of `base`, which the Conv `product` makes: the branch with A
    (rank, in, height, width) and B (out, rank, 1, 1) is added. `kind`: the ONNX type of all.
    `name`: begins their names.

    `guarded`: at rank 0 nothing is computed. Adding zeros would cost up to 7 % of a convolution.
    """
    make = onnx.helper.make_node
    where = {
        each.name: onnx.helper.get_attribute_value(each)
        for each in product.attribute
        if each.name in _WHERE
    }
    last = f"{name}sum" if guarded else output
    sums = [
        make("Conv", [product.input[0], a], [f"{name}down"], name=f"{name}down", **where),
        make("Conv", [f"{name}down", b], [f"{name}up"], name=f"{name}up"),
        make("Add", [base, f"{name}up"], [last], name=f"{name}add"),
    ]
    if not guarded:
        return sums
    same = [make("Identity", [base], [f"{name}same"], name=f"{name}same")]
    return [
        make("Size", [a], [f"{name}size"], name=f"{name}size"),
        make("Cast", [f"{name}size"], [f"{name}has"], name=f"{name}has", to=onnx.TensorProto.BOOL),
        make(
            "If",
            [f"{name}has"],
            [output],
            name=f"{name}if",
            then_branch=_part("with", sums, kind),
            else_branch=_part("without", same, kind),
        ),
    ]


def _part(name: str, nodes: list[Any], kind: int) -> Any:
    """A branch of an If."""
    helper = onnx.helper
    result = helper.make_tensor_value_info(nodes[-1].output[0], kind, None)
    return helper.make_graph(nodes, name, [], [result])

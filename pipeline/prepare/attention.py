"""Fuses attention: the exported softmax(Q K) V becomes one `com.microsoft.MultiHeadAttention`.

It computes the same without keeping all scores, so large pictures need far less memory. A pattern
that does not match exactly (a mask, another order) is left unchanged.
"""

from typing import Any, Final

from pipeline.onnx.graph import GraphView, drop_unused, use_domain, whole
from pipeline.onnx.library import onnx

DOMAIN: Final = "com.microsoft"
_ON_THE_WAY: Final = frozenset({"Mul", "Div", "Cast", "Identity", "Transpose"})
_FARTHEST: Final = 8  # nodes between a MatMul and the Reshape that splits the heads


def fuse_attention(model: Any) -> int:
    """Change `model` in place. Returns how many attentions were fused."""
    view = GraphView(model)
    found = [
        fused
        for node in model.graph.node
        if node.op_type == "Softmax" and (fused := _attention(view, node)) is not None
    ]
    places = {node.output[0]: index for index, node in enumerate(model.graph.node)}
    for number, (last, inputs, heads, width) in sorted(
        enumerate(found), key=lambda each: -places[each[1][0].output[0]]
    ):
        node = onnx.helper.make_node(
            "MultiHeadAttention",
            inputs,
            list(last.output),
            name=f"{last.name}/MultiHeadAttention_{number}",
            domain=DOMAIN,
            num_heads=heads,
            scale=float(width) ** -0.5,
        )
        index = places[last.output[0]]
        model.graph.node.insert(index, node)
        del model.graph.node[index + 1]
    if found:
        use_domain(model, DOMAIN, 1)
        drop_unused(model)
    return len(found)


def _attention(view: GraphView, softmax: Any) -> tuple[Any, list[str], int, int] | None:
    """The last node of the pattern, names of Q, K and V before their heads are split, the number
    of heads and the width of one."""
    scores = view.maker(softmax.input[0], "MatMul")
    mixed = view.only_user(softmax.output[0], "MatMul")
    if scores is None or mixed is None or mixed.input[0] != softmax.output[0]:
        return None
    splits = [_split(view, name) for name in (*scores.input, mixed.input[1])]
    turned = view.only_user(mixed.output[0], "Transpose")
    joined = view.only_user(turned.output[0], "Reshape") if turned is not None else None
    if joined is None or any(split is None for split in splits):
        return None
    shape = next((found for split in splits if (found := _heads(view, split))), None)
    if shape is None:
        return None
    return joined, [split.input[0] for split in splits if split is not None], *shape


def _split(view: GraphView, name: str) -> Any | None:
    """The Reshape that splits heads, upwards of `name` along the data path (the first input)."""
    for _ in range(_FARTHEST):
        node = view.maker(name)
        if node is None or node.op_type == "Reshape":
            return node
        if node.op_type not in _ON_THE_WAY:
            return None
        name = node.input[0]
    return None


def _heads(view: GraphView, split: Any) -> tuple[int, int] | None:
    """Heads and width of one, of a Reshape to (rows, tokens, heads, width)."""
    target = view.maker(split.input[1], "Concat")
    if target is None:
        fixed = view.constant(split.input[1])
        if fixed is None or fixed.size != 4:
            return None
        return int(fixed[2]), int(fixed[3])
    if len(target.input) != 4:
        return None
    heads, width = (whole(view.constant(name)) for name in target.input[2:])
    if heads is None or heads <= 0:
        return None
    if width is None or width <= 0:  # computed at run time: take it from the weight
        full = _width(view, split.input[0])
        width = full // heads if full and full % heads == 0 else None
    return None if width is None else (heads, width)


def _width(view: GraphView, name: str) -> int | None:
    """The last axis of the output of the linear layer behind `name`."""
    for _ in range(_FARTHEST):
        node = view.maker(name)
        if node is None:
            return None
        for source in node.input:
            weight = view.weight(source)
            if weight is not None and weight.dims:
                return int(weight.dims[-1])
            bias = view.constant(source)  # a small one may be in a Constant node
            if bias is not None and bias.ndim and bias.dtype.kind == "f":
                return int(bias.shape[-1])
        if not node.input:
            return None
        name = node.input[0]
    return None

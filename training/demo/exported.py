# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false
# pyright: reportAttributeAccessIssue=false
# (the border to onnx and torch, whose types are partly missing)
"""Weights out of an exported graph, by the names that torch's modules have for them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

_NAMELESS: Final = {"MatMul": "weight", "Mul": "weight", "Add": "bias"}
"""Nodes whose weights the exporter renames, and what they were: linear layers, group norms."""


def exported_weights(path: Path) -> dict[str, Tensor]:
    """An exported graph's weights by the names that torch's modules have for them, float32."""
    graph = onnx.load(path).graph
    known = stored(graph)
    weights = {name: tensor for name, tensor in known.items() if "::" not in name}
    for node in graph.node:
        for given in node.input:
            if not given.startswith("onnx::") or node.op_type not in _NAMELESS:
                continue
            module = node.name.lstrip("/").rpartition("/")[0].replace("/", ".")
            tensor = known[given]
            weights[f"{module}.{_NAMELESS[node.op_type]}"] = (
                tensor.T if node.op_type == "MatMul" else tensor.flatten()
            )
    return weights


def stored(graph: Any) -> dict[str, Tensor]:
    """A graph's numbers by the names that it has for them, float32."""
    tensors: dict[str, Tensor] = {}
    for initializer in graph.initializer:
        array = numpy_helper.to_array(initializer)
        if array.dtype.kind == "f":
            name = initializer.name.removesuffix("_half")
            tensors[name] = torch.from_numpy(array.astype(np.float32))
    return tensors


def fill(module: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """In place: parameters may be views of one vector."""
    parameters = dict(module.named_parameters())
    missing = sorted(set(parameters) - set(weights))
    if missing:
        raise SystemExit(f"The exported model lacks {', '.join(missing[:5])}: another version's?")
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(weights[name].reshape(parameter.shape))

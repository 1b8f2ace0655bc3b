# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false
# pyright: reportAttributeAccessIssue=false
# (the border to onnx and torch, whose types are partly missing)
"""Weights out of an exported graph, by the names that torch's modules have for them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from pipeline.engine.vae.preview import FILE_NAME
from pipeline.lora.adapter import PREFIX
from training.demo.latents import CHANNELS, PATCH, LinearEncoder

_NAMELESS: Final = {"MatMul": "weight", "Mul": "weight", "Add": "bias"}
"""Nodes whose weights the exporter renames, and what they were: linear layers, group norms."""


def exported_weights(path: Path) -> dict[str, Tensor]:
    """An exported graph's weights by the names that torch's modules have for them, float32."""
    graph = onnx.load(path).graph
    known = stored(graph)
    weights = {name: tensor for name, tensor in known.items() if "::" not in name}
    for name, (given, kind) in _renamed(graph).items():
        tensor = known[given]
        weights[name] = tensor.T if kind == "MatMul" else tensor.flatten()
    return weights


def _renamed(graph: Any) -> dict[str, tuple[str, str]]:
    """The exporter's own names of weights and the nodes that take them, by torch's names."""
    found: dict[str, tuple[str, str]] = {}
    for node in graph.node:
        for given in node.input:
            if given.startswith("onnx::") and node.op_type in _NAMELESS:
                module = node.name.lstrip("/").rpartition("/")[0].replace("/", ".")
                found[f"{module}.{_NAMELESS[node.op_type]}"] = (given, node.op_type)
    return found


def add_to_weights(path: Path, changes: Mapping[str, Tensor]) -> None:
    """Add to an exported graph's weights, by torch's names, in place; they keep their precision."""
    model = onnx.load(path)
    renamed = _renamed(model.graph)
    left = {renamed.get(name, (name, ""))[0]: name for name in changes}
    for initializer in model.graph.initializer:
        name = left.pop(initializer.name.removesuffix("_half"), None)
        if name is None:
            continue
        array = numpy_helper.to_array(initializer)
        turned = renamed.get(name, ("", ""))[1] == "MatMul"
        change = (changes[name].T if turned else changes[name]).numpy()
        changed = (array.astype(np.float32) + change).astype(array.dtype)
        initializer.CopyFrom(numpy_helper.from_array(changed, initializer.name))
    if left:
        raise SystemExit(f"The exported model has no {', '.join(left.values())}.")
    onnx.save(model, path)


def stored(graph: Any) -> dict[str, Tensor]:
    """A graph's numbers by the names that it has for them, float32."""
    tensors: dict[str, Tensor] = {}
    for initializer in graph.initializer:
        array = numpy_helper.to_array(initializer)
        if array.dtype.kind == "f" and not initializer.name.startswith(PREFIX):
            name = initializer.name.removesuffix("_half")
            tensors[name] = torch.from_numpy(array.astype(np.float32))
    return tensors


def exported_encoder(model: Path) -> LinearEncoder:
    """The linear encoder of an exported folder: one way is its convolution, the other way the map
    for previews."""
    graph = onnx.load(model / "vae_encoder" / "model.onnx").graph
    kernel = stored(graph)["weight"][:CHANNELS].numpy()
    preview = json.loads((model / FILE_NAME).read_text(encoding="utf-8"))["weights"]
    weights = np.array(preview, np.float32).reshape(CHANNELS + 1, 3, PATCH, PATCH)
    weights = weights.transpose(0, 2, 3, 1).reshape(CHANNELS + 1, -1)
    return LinearEncoder(
        mean=weights[-1],
        encode=np.ascontiguousarray(kernel.transpose(0, 2, 3, 1).reshape(CHANNELS, -1).T),
        decode=weights[:-1],
    )


def fill(module: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """In place: parameters may be views of one vector."""
    parameters = dict(module.named_parameters())
    missing = sorted(set(parameters) - set(weights))
    if missing:
        raise SystemExit(f"The exported model lacks {', '.join(missing[:5])}: another version's?")
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(weights[name].reshape(parameter.shape))

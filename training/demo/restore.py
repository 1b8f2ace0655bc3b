# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false
# pyright: reportAttributeAccessIssue=false
# (the border to onnx and torch, whose types are partly missing)
"""Stage `restore`: checkpoints from an exported model, where the ones it came from are gone.

Weights come back as they were stored (half precision); what an export does not hold begins anew:
the optimisers' momenta, the decoder's heads below the top, the tagger's batch statistics.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from training.demo.checkpoint import save_checkpoint
from training.demo.decoder import TOP, Decoder
from training.demo.machine import Machine
from training.demo.state import State
from training.demo.tagger import TaggerNet
from training.demo.train_decoder import decoder_optimiser
from training.demo.train_unet import Trainer

_NAMELESS: Final = {"MatMul": "weight", "Mul": "weight", "Add": "bias"}
"""Nodes whose weights the exporter renames, and what they were: linear layers, group norms."""


def restore(state: State, machine: Machine, *, model: Path, seen: int) -> None:
    """Make `unet.pt`, `decoder.pt` and `tagger.pt` from `model`; none may exist yet.

    `seen` is how many samples the UNet is said to have had.
    """
    for path in (state.unet, state.decoder, state.tagger):
        if path.exists():
            raise SystemExit(f"{path} exists: restoring would overwrite it. Move it away first.")
    trainer = Trainer(machine, seed=0)
    _fill(trainer.unet, exported_weights(model / "unet" / "model.onnx"))
    trainer.average.copy_(trainer.weights)
    trainer.seen = seen
    trainer.save(state.unet)
    decoder = Decoder()
    _fill_decoder(decoder, exported_weights(model / "vae_decoder" / "model.onnx"))
    optimiser = decoder_optimiser(decoder, machine)
    save_checkpoint(
        {
            "decoder": decoder.state_dict(),
            "optimiser": optimiser.state(),
            "stage": "restored",
            "seen": 0,
        },
        state.decoder,
    )
    net = TaggerNet()
    _fill_tagger(net, model / "tagger" / "model.onnx")
    save_checkpoint({"net": net.state_dict(), "optimiser": None, "seen": 0}, state.tagger)


def exported_weights(path: Path) -> dict[str, Tensor]:
    """An exported graph's weights by the names that torch's modules have for them, float32."""
    graph = onnx.load(path).graph
    stored = _stored(graph)
    weights = {name: tensor for name, tensor in stored.items() if "::" not in name}
    for node in graph.node:
        for given in node.input:
            if not given.startswith("onnx::") or node.op_type not in _NAMELESS:
                continue
            module = node.name.lstrip("/").rpartition("/")[0].replace("/", ".")
            tensor = stored[given]
            weights[f"{module}.{_NAMELESS[node.op_type]}"] = (
                tensor.T if node.op_type == "MatMul" else tensor.flatten()
            )
    return weights


def _stored(graph: Any) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for initializer in graph.initializer:
        array = numpy_helper.to_array(initializer)
        if array.dtype.kind == "f":
            name = initializer.name.removesuffix("_half")
            tensors[name] = torch.from_numpy(array.astype(np.float32))
    return tensors


def _fill(module: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """In place: parameters may be views of one vector."""
    parameters = dict(module.named_parameters())
    missing = sorted(set(parameters) - set(weights))
    if missing:
        raise SystemExit(f"The exported model lacks {', '.join(missing[:5])}: another version's?")
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(weights[name].reshape(parameter.shape))


def _fill_decoder(decoder: Decoder, weights: Mapping[str, Tensor]) -> None:
    body = {
        name.removeprefix("decoder."): tensor
        for name, tensor in weights.items()
        if name.startswith("decoder.")
    }
    _fill(decoder.body, body)
    _fill(decoder.first, {name: weights[f"post_quant_conv.{name}"] for name in ("weight", "bias")})
    head: Any = decoder.heads[TOP]
    norm, _, conv = head
    for part, name in ((norm, "conv_norm_out"), (conv, "conv_out")):
        _fill(part, {key: body[f"{name}.{key}"] for key in ("weight", "bias")})


def _fill_tagger(net: TaggerNet, path: Path) -> None:
    """Batch norms were folded into the convolutions before them: they begin as identities."""
    graph = onnx.load(path).graph
    stored = _stored(graph)
    weights = {
        name.removeprefix("net."): tensor
        for name, tensor in stored.items()
        if name.startswith("net.")
    }
    convolutions = iter(node for node in graph.node if node.op_type == "Conv")
    for name, layer in net.body.named_children():
        if isinstance(layer, nn.Conv2d):
            node = next(convolutions)
            weights[f"body.{name}.weight"] = stored[node.input[1]]
            weights[f"body.{name}.bias"] = stored[node.input[2]]
        elif isinstance(layer, nn.BatchNorm2d):
            weights[f"body.{name}.weight"] = torch.ones(layer.num_features)
            weights[f"body.{name}.bias"] = torch.zeros(layer.num_features)
    # a head without a column of its own is not in the export
    _fill(net, {name: weights.get(name, own) for name, own in net.named_parameters()})

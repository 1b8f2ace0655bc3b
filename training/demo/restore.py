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
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from training.demo.checkpoint import save_checkpoint
from training.demo.decoder import TOP, Decoder
from training.demo.exported import exported_encoder, exported_weights, fill, stored
from training.demo.machine import Machine
from training.demo.state import State
from training.demo.tagger import TaggerNet
from training.demo.train_decoder import decoder_optimiser
from training.demo.train_unet import Trainer


def restore(state: State, machine: Machine, *, model: Path, seen: int) -> None:
    """Make `encoder.npz`, `unet.pt`, `decoder.pt` and `tagger.pt` from `model`; none may exist yet.

    `seen` is how many samples the UNet is said to have had.
    """
    for path in (state.encoder, state.unet, state.decoder, state.tagger):
        if path.exists():
            raise SystemExit(f"{path} exists: restoring would overwrite it. Move it away first.")
    state.folder.mkdir(parents=True, exist_ok=True)
    exported_encoder(model).save(state.encoder)
    trainer = Trainer(machine, seed=0)
    fill(trainer.unet, exported_weights(model / "unet" / "model.onnx"))
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
    net = exported_tagger(model)
    save_checkpoint({"net": net.state_dict(), "optimiser": None, "seen": 0}, state.tagger)


def _fill_decoder(decoder: Decoder, weights: Mapping[str, Tensor]) -> None:
    body = {
        name.removeprefix("decoder."): tensor
        for name, tensor in weights.items()
        if name.startswith("decoder.")
    }
    fill(decoder.body, body)
    fill(decoder.first, {name: weights[f"post_quant_conv.{name}"] for name in ("weight", "bias")})
    head: Any = decoder.heads[TOP]
    norm, _, conv = head
    for part, name in ((norm, "conv_norm_out"), (conv, "conv_out")):
        fill(part, {key: body[f"{name}.{key}"] for key in ("weight", "bias")})


def exported_tagger(model: Path) -> TaggerNet:
    """The tagger of an exported folder, ready to judge."""
    net = TaggerNet()
    _fill_tagger(net, model / "tagger" / "model.onnx")
    return net.eval()


def _fill_tagger(net: TaggerNet, path: Path) -> None:
    """Batch norms were folded into the convolutions before them: they begin as identities."""
    graph = onnx.load(path).graph
    known = stored(graph)
    weights = {
        name.removeprefix("net."): tensor
        for name, tensor in known.items()
        if name.startswith("net.")
    }
    convolutions = iter(node for node in graph.node if node.op_type == "Conv")
    for name, layer in net.body.named_children():
        if isinstance(layer, nn.Conv2d):
            node = next(convolutions)
            weights[f"body.{name}.weight"] = known[node.input[1]]
            weights[f"body.{name}.bias"] = known[node.input[2]]
        elif isinstance(layer, nn.BatchNorm2d):
            weights[f"body.{name}.weight"] = torch.ones(layer.num_features)
            weights[f"body.{name}.bias"] = torch.zeros(layer.num_features)
    # a head without a column of its own is not in the export
    fill(net, {name: weights.get(name, own) for name, own in net.named_parameters()})

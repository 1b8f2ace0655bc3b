# pyright: reportUnknownMemberType=false, reportPrivateImportUsage=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# (the border to torch and safetensors, whose types are partly missing)
"""LoRAs for the tiny model in both forms: diffusers' files, and the library's adapters."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from pipeline.lora.use import LoraUse

PARTS = ("unet", "text_encoder", "text_encoder_2")


@dataclass(frozen=True, slots=True)
class Lora:
    """One LoRA: its layers by `part.module`, and the folder that it is stored in."""

    name: str
    layers: Mapping[str, tuple[torch.Tensor, torch.Tensor]]
    """`down` (rank, in) and `up` (out, rank) as diffusers has them; a convolution's have 4 axes."""

    def use(self, folder: Path, strength: float = 1.0, *, half: bool = False) -> LoraUse:
        """Write its adapter into `folder`."""
        kind = torch.float16 if half else torch.float32
        tensors: dict[str, torch.Tensor] = {}
        for layer, (down, up) in self.layers.items():
            part, _, module = layer.partition(".")
            a, b = (down, up) if down.ndim == 4 else (down.T, up.T)
            tensors[f"{part}/{module}/A"] = a.contiguous().to(kind)
            tensors[f"{part}/{module}/B"] = b.contiguous().to(kind)
        return LoraUse(name=self.name, strength=strength, digest=write(folder, tensors))

    def load(self, pipe: Any, folder: Path) -> None:
        """Have diffusers load it, with notes that say that alpha is the rank of each layer: without
        them it takes the most frequent rank for all."""
        tensors: dict[str, torch.Tensor] = {}
        notes: dict[str, Any] = {}
        for layer, (down, up) in self.layers.items():
            tensors |= {f"{layer}.lora_A.weight": down, f"{layer}.lora_B.weight": up}
            part, _, module = layer.partition(".")
            ranks = notes.setdefault(f"{part}.rank_pattern", {})
            ranks[re.escape(module)] = len(down)
            notes[f"{part}.alpha_pattern"] = ranks
            notes.setdefault(f"{part}.target_modules", []).append(module)
        metadata = {"format": "pt", "lora_adapter_metadata": json.dumps(notes)}
        save_file(tensors, folder / f"{self.name}.safetensors", metadata)
        name = f"{self.name}.safetensors"
        pipe.load_lora_weights(folder, weight_name=name, adapter_name=self.name)


def write(folder: Path, tensors: Mapping[str, torch.Tensor]) -> str:
    """An adapter of `tensors` in `folder`; its digest."""
    draft = folder / "draft"
    save_file(dict(tensors), draft)
    digest = hashlib.sha256(draft.read_bytes()).hexdigest()
    draft.rename(folder / f"{digest}.safetensors")
    return digest


def linear_layers(pipe: Any) -> dict[str, torch.nn.Linear]:
    """All linear layers that a LoRA may change, by `part.module`."""
    return {
        f"{part}.{name}": module
        for part in PARTS
        for name, module in getattr(pipe, part).named_modules()
        if isinstance(module, torch.nn.Linear) and name != "text_projection"
    }


def convolutions(pipe: Any) -> dict[str, torch.nn.Conv2d]:
    """All convolutions that a LoRA may change, by `part.module`."""
    return {
        f"unet.{name}": module
        for name, module in pipe.unet.named_modules()
        if isinstance(module, torch.nn.Conv2d)
    }


def make_lora(
    name: str,
    layers: Mapping[str, torch.nn.Linear | torch.nn.Conv2d],
    *,
    seed: int,
    ranks: tuple[int, ...] = (4,),
    every: int = 1,
    scale: float = 0.1,
) -> Lora:
    """A LoRA for each `every`-th of `layers`, of the `ranks` in turn."""
    random = torch.Generator().manual_seed(seed)
    made: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
    for index, (layer, module) in enumerate(list(layers.items())[::every]):
        rank = ranks[index % len(ranks)]
        if isinstance(module, torch.nn.Conv2d):
            shape = (rank, module.in_channels, *module.kernel_size)
            down = torch.randn(shape, generator=random)
            up = torch.randn((module.out_channels, rank, 1, 1), generator=random)
            made[layer] = (down / down[0].numel() ** 0.5, up * scale)
            continue
        down = torch.randn((rank, module.in_features), generator=random)
        up = torch.randn((module.out_features, rank), generator=random)
        made[layer] = (down / module.in_features**0.5, up * scale)
    return Lora(name, made)

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false
# pyright: reportAttributeAccessIssue=false
# (the border to diffusers, peft and torch, whose types are partly missing)
"""What learns in the training of a LoRA: pairs of small matrices beside layers of the exported
UNet, which itself stays as it is."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from torch import Tensor

from training.demo.checkpoint import save_checkpoint
from training.demo.exported import exported_weights, fill
from training.demo.machine import Machine
from training.demo.muon import Muon
from training.demo.unet import make_unet


@dataclass(slots=True)
class Learner:
    """A UNet with a LoRA, and how far its training is. `tags`: how often each was in a caption."""

    unet: Any
    optimiser: Muon
    seen: int = 0
    tags: Counter[str] = field(default_factory=Counter[str])

    @property
    def matrices(self) -> dict[str, Tensor]:
        """The LoRA's own weights, by peft's names."""
        return {name: part for name, part in self.unet.named_parameters() if part.requires_grad}

    def save(self, path: Path) -> None:
        """Write a checkpoint."""
        kept = {
            "matrices": {name: part.detach() for name, part in self.matrices.items()},
            "optimiser": self.optimiser.state(),
            "seen": self.seen,
            "tags": json.dumps(self.tags),
        }
        save_checkpoint(kept, path)

    @torch.no_grad()
    def load(self, path: Path) -> None:
        """Go on from a checkpoint."""
        kept = torch.load(path)
        for name, part in self.matrices.items():
            part.copy_(kept["matrices"][name])
        self.optimiser.load(kept["optimiser"])
        self.seen = int(kept["seen"])
        self.tags = Counter(json.loads(kept["tags"]))

    @torch.no_grad()
    def begin_with(self, pairs: Mapping[str, tuple[Tensor, Tensor]]) -> None:
        """Begin with what a LoRA of the same layers and rank changes (`lora_file.read_lora`)."""
        for name, part in self.matrices.items():
            module, _, side = name.removesuffix(".default.weight").rpartition(".lora_")
            down, up = pairs[module.replace(".", "_")]
            part.copy_(down if side == "A" else up)


def exported_unet(machine: Machine, model: Path) -> Any:
    """The UNet of an exported folder, frozen."""
    unet = make_unet()
    fill(unet, exported_weights(model / "unet" / "model.onnx"))
    return unet.requires_grad_(requires_grad=False).to(machine.device)


def new_learner(
    machine: Machine, model: Path, *, layers: str, rank: int, rate: float, seed: int
) -> Learner:
    """A LoRA that changes nothing yet. `layers`: a regular expression for paths of modules."""
    unet = exported_unet(machine, model)
    torch.manual_seed(seed)
    unet.add_adapter(LoraConfig(r=rank, lora_alpha=rank, target_modules=layers))
    unet.to(machine.device)
    learned = [part for part in unet.parameters() if part.requires_grad]
    return Learner(unet, Muon(learned, (), matrix_rate=rate, bf16=machine.bf16))


def pairs_of(matrices: Mapping[str, Tensor]) -> dict[str, tuple[Tensor, Tensor]]:
    """By module: down (rank, in) and up (out, rank)."""
    return {
        key.removesuffix(".lora_A.default.weight"): (
            matrix.detach(),
            matrices[key.replace(".lora_A.", ".lora_B.")].detach(),
        )
        for key, matrix in matrices.items()
        if key.endswith(".lora_A.default.weight")
    }

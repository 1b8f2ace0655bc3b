# pyright: reportUnknownMemberType=false
# (the border to torch, whose types are partly missing)
"""A trained LoRA as a file, as kohya's scripts write it, with its notes in the header."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.prepare.lora.file import LoraFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """What the header says about the LoRA."""

    name: str
    rank: int
    seen: int  # samples in training
    stage: str  # that trained it
    made_of: str  # what it was trained on


def write_lora(
    path: Path,
    pairs: Mapping[str, tuple[Tensor, Tensor]],
    *,
    notes: Notes,
    tags: Counter[str],
) -> None:
    """Write the pairs down (rank, in) and up (out, rank) by module of the UNet, in half precision.

    `tags`: how often each was in a caption; none are written where none tells the LoRA.

    alpha is the rank: the product is added as it is. The same LoRA makes the same file, byte for
    byte.
    """
    tensors: dict[str, NDArray[np.float16]] = {}
    for module, (down, up) in sorted(pairs.items()):
        key = f"lora_unet_{module.replace('.', '_')}"
        tensors[f"{key}.alpha"] = np.array(notes.rank, np.float16)
        for name, matrix in (("lora_down", down), ("lora_up", up)):
            tensors[f"{key}.{name}.weight"] = matrix.to("cpu", torch.float16).numpy()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}")
    part.write_bytes(_safetensors(tensors, _header(notes, tags)))
    part.replace(path)


def read_lora(path: Path) -> dict[str, tuple[Tensor, Tensor]]:
    """The pairs of a file that `write_lora` wrote, by module with `_` for `.`, float32."""
    file = LoraFile(path)
    return {
        layer.removeprefix("lora_unet_"): (
            torch.from_numpy(file.read(entry.keys["down"])),
            torch.from_numpy(file.read(entry.keys["up"])),
        )
        for layer, entry in file.entries.items()
    }


def _safetensors(tensors: Mapping[str, NDArray[np.float16]], header: Mapping[str, str]) -> bytes:
    """The format itself: the library for it writes the header's notes in any order."""
    entries: dict[str, object] = {"__metadata__": header}
    values = b""
    for name, tensor in tensors.items():
        begin = len(values)
        values += tensor.tobytes()
        offsets = [begin, len(values)]
        entries[name] = {"dtype": "F16", "shape": tensor.shape, "data_offsets": offsets}
    head = json.dumps(entries).encode()
    head += b" " * (-len(head) % 8)
    return len(head).to_bytes(8, "little") + head + values


def _header(notes: Notes, tags: Counter[str]) -> dict[str, str]:
    comment = f"Trained by python -m training.demo {notes.stage}, on {notes.made_of}"
    header = {
        "ss_network_module": "networks.lora",
        "ss_network_dim": str(notes.rank),
        "ss_network_alpha": str(float(notes.rank)),
        "ss_base_model_version": "sdxl_base_v1-0",
        "ss_sd_model_name": "ekaki-demo",
        "ss_output_name": notes.name,
        "ss_num_train_images": str(notes.seen),
        "ss_training_comment": comment,
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.architecture": "stable-diffusion-xl-v1-base/lora",
        "modelspec.title": notes.name,
        "modelspec.author": "Ekaki",
        "modelspec.license": "MIT",
    }
    if tags:
        images = {notes.name: {"n_repeats": 1, "img_count": notes.seen}}
        counted = {notes.name: dict(sorted(tags.items(), key=lambda item: (-item[1], item[0])))}
        header["ss_dataset_dirs"] = json.dumps(images)
        header["ss_tag_frequency"] = json.dumps(counted)
    return header

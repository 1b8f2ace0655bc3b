"""Checks from names and sizes, without loading, that a folder is a complete SDXL in ONNX."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pipeline.errors import ModelError
from pipeline.model.configs import Json, read_json
from pipeline.onnx.weight_files import GRAPH_NAME, WeightFiles

TOKENIZER_FILES: Final = ("vocab.json", "merges.txt")
"""Files without which CLIP's tokenizer can't be created."""

_TORCH_SUFFIXES: Final = (".safetensors", ".bin", ".ckpt")
_BELOW: Final = ("*/model_index.json", "snapshots/*/model_index.json")
"""Where a model may be inside a folder that was named instead: one into which it was unpacked or
exported, or a repository's in the hub's cache."""

_SDXL: Final = "StableDiffusionXL"


def check_is_sdxl(path: Path) -> Json:
    """The content of `model_index.json` of an SDXL.

    Raises ModelError `model_folder_missing`, `model_index_missing`, `model_index_below`,
    `model_not_sdxl` (also for the refiner, which has no first text encoder).
    """
    if not path.is_dir():
        raise ModelError("model_folder_missing", path=str(path))
    if not (path / "model_index.json").is_file():
        below = next((found for each in _BELOW for found in sorted(path.glob(each))), None)
        if below is not None:
            raise ModelError("model_index_below", path=str(path), found=str(below.parent))
        raise ModelError("model_index_missing", path=str(path))
    index = read_json(path / "model_index.json")
    kind = str(index.get("_class_name", "of a kind that model_index.json does not state"))
    if _SDXL not in kind:
        raise ModelError("model_not_sdxl", kind=kind)
    has_first = (path / "text_encoder").is_dir()
    if index.get("text_encoder") in (None, [None, None]) and not has_first:
        raise ModelError("model_not_sdxl", kind="an SDXL refiner")
    return index


def check_files(path: Path, required: Iterable[str], known: Iterable[str]) -> None:
    """Check that every component of `required`, and each existing one of `known`, is complete.

    Raises ModelError `model_not_onnx` if there are only PyTorch weights, `model_component_missing`,
    `model_unfinished` (an incomplete download), and what `WeightFiles.of` raises.
    """
    needed = set(required)
    for name in known:
        folder = path / name
        if (folder / GRAPH_NAME).is_file():
            _check_component(folder)
        elif name in needed:
            if _is_torch(path):
                raise ModelError("model_not_onnx", path=str(path))
            raise ModelError("model_component_missing", name=f"{name}/{GRAPH_NAME}")
    for name in ("tokenizer", "tokenizer_2"):
        for file in TOKENIZER_FILES:
            if not (path / name / file).is_file():
                raise ModelError("model_component_missing", name=f"{name}/{file}")


def _check_component(folder: Path) -> None:
    for file in folder.iterdir():
        if file.name.endswith((".incomplete", ".part", ".tmp")):
            raise ModelError("model_unfinished", name=f"{folder.name}/{file.name}")
    WeightFiles.of(folder / GRAPH_NAME)


def _is_torch(path: Path) -> bool:
    """Whether the folder holds PyTorch weights and no graph."""
    return not any(path.glob("*/*.onnx")) and any(
        file.suffix in _TORCH_SUFFIXES
        for part in ("unet", "vae", "text_encoder")
        for file in (path / part).glob("*")
    )

"""Is this a complete SDXL in ONNX? Answered from names and sizes, before anything is loaded."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pipeline.errors import ModelError
from pipeline.model.configs import Json, read_json
from pipeline.model.external_data import ExternalFile, external_files

_TORCH_SUFFIXES: Final = (".safetensors", ".bin", ".ckpt")
_SDXL: Final = "StableDiffusionXL"


def check_is_sdxl(path: Path) -> Json:
    """The content of `model_index.json` of an SDXL.

    Raises ModelError `model_folder_missing`, `model_index_missing`, `model_not_sdxl` (also for the
    refiner, which has no first text encoder).
    """
    if not path.is_dir():
        raise ModelError("model_folder_missing", path=str(path))
    if not (path / "model_index.json").is_file():
        raise ModelError("model_index_missing", path=str(path))
    index = read_json(path / "model_index.json")
    kind = str(index.get("_class_name", "unknown"))
    if _SDXL not in kind:
        raise ModelError("model_not_sdxl", kind=kind)
    if index.get("text_encoder") in (None, [None, None]):
        raise ModelError("model_not_sdxl", kind="an SDXL refiner")
    return index


def check_files(path: Path, required: Iterable[str], known: Iterable[str]) -> None:
    """Every component of `required`, and each of `known` that is there, is whole.

    Raises ModelError `model_not_onnx` where only PyTorch weights are, `model_component_missing`,
    `model_incomplete` (a download that was cut off).
    """
    needed = set(required)
    for name in known:
        folder = path / name
        if (folder / "model.onnx").is_file():
            _check_component(folder)
        elif name in needed:
            if _has_torch_weights(path):
                raise ModelError("model_not_onnx", path=str(path))
            raise ModelError("model_component_missing", name=f"{name}/model.onnx")
    for name in ("tokenizer", "tokenizer_2"):
        for file in ("vocab.json", "merges.txt"):
            if not (path / name / file).is_file():
                raise ModelError("model_component_missing", name=f"{name}/{file}")


def _check_component(folder: Path) -> None:
    graph = folder / "model.onnx"
    name = f"{folder.name}/{graph.name}"
    for file in folder.iterdir():
        if file.name.endswith((".incomplete", ".part", ".tmp")):
            raise ModelError("model_incomplete", name=f"{folder.name}/{file.name}")
    try:
        outside = external_files(graph)
    except ValueError as error:
        raise ModelError("model_incomplete", name=name) from error
    for wanted in outside:
        _check_external(folder, wanted)


def _check_external(folder: Path, wanted: ExternalFile) -> None:
    file = folder / wanted.location
    if not file.is_file() or file.stat().st_size < wanted.needed_bytes:
        raise ModelError("model_incomplete", name=f"{folder.name}/{wanted.location}")


def _has_torch_weights(path: Path) -> bool:
    return any(
        file.suffix in _TORCH_SUFFIXES
        for part in ("unet", "vae", "text_encoder")
        for file in (path / part).glob("*")
    )

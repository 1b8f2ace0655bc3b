"""Compares the library with its hashes: everything is read."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bot.common.wording import words
from bot.loras.manifest import LoraManifest
from bot.loras.names import check_name, key_of
from bot.loras.scan import file_hash, manifest_path, read_manifest
from bot.loras.shelf import DRAFT
from pipeline.disk import at, disk_error
from pipeline.errors import EkakiError, StorageError
from pipeline.lora.files import adapter_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """How many LoRAs there are, and what is wrong, a sentence each."""

    count: int
    problems: list[str]


def check_library(folder: Path, *, family: str, report: Callable[[str], None]) -> Findings:
    """Read everything in `folder`. `family`: of the model in use. `report` names what is read.
    StorageError if the folder can't be read."""
    if not folder.exists():
        return Findings(count=0, problems=[])
    with at(folder):
        names = sorted(path.stem for path in folder.iterdir() if path.suffix == ".json")
        others = sorted(path for path in folder.iterdir() if path.suffix == ".safetensors")
    problems: list[str] = []
    needed: set[Path] = set()
    keys: dict[str, str] = {}
    for_drafts = ""
    for name in names:
        report(f"Reading {name}.")
        first = keys.setdefault(key_of(name), name)
        if first != name:
            problems.append(f"{name}: it has the same name as {first}, which is used instead.")
        try:
            check_name(name)
            manifest = read_manifest(manifest_path(folder, name))
            needed.add(adapter_path(folder, manifest.adapter.sha256))
            _check(folder, manifest, family)
            if manifest.draft and for_drafts:
                problems.append(f"{name}: it is for drafts, as is {for_drafts}; one can be.")
            for_drafts = for_drafts or (name if manifest.draft else "")
        except EkakiError as error:
            problems.append(f"{name}: {words(error)}")
    problems += [
        f"{path.name}: no LoRA of the library; add it with: python -m bot lora add"
        for path in others
        if path not in needed
    ]
    if (folder / DRAFT).exists():
        problems.append(f"{DRAFT}: left by an addition that was interrupted; the next removes it.")
    return Findings(count=len(names), problems=problems)


def _check(folder: Path, manifest: LoraManifest, family: str) -> None:
    """StorageError for what is wrong with an entry."""
    path = adapter_path(folder, manifest.adapter.sha256)
    try:
        found = file_hash(path)
    except FileNotFoundError as error:
        raise StorageError("lora_weights_missing", path=str(path)) from error
    except OSError as error:
        raise disk_error(error, path) from error
    if found != manifest.adapter.sha256:
        raise StorageError("lora_weights_changed", path=str(path))
    if manifest.family not in {"", family}:
        raise StorageError("lora_other_layers", original=manifest.original.name)

"""Changes the folder of LoRAs: in an order in which a kill at any moment leaves it usable.

Weights come first and the manifest last, so that what has a manifest is complete; it is removed in
the other order. What a kill leaves is removed by the next change.
"""

import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.common.failpoints import hit
from bot.loras.manifest import LoraManifest
from bot.loras.names import key_of, nearest
from bot.loras.scan import LOCK, PREVIEWS, manifest_path, read_manifest
from data.store.lock import alone
from data.store.private import WRITING, make_folder, restrict, write_durably
from pipeline.disk import at
from pipeline.errors import InputError, StorageError
from pipeline.lora.files import adapter_path

DRAFT: Final = f"{WRITING}adapter"

_ADAPTER: Final = re.compile(r"[0-9a-f]{64}\.safetensors", re.ASCII)


@dataclass(frozen=True, slots=True)
class Shelf:
    """The folder while it is locked for a change."""

    folder: Path

    @classmethod
    @contextmanager
    def opened(cls, folder: Path) -> Generator["Shelf"]:
        """Create the folder if needed, lock it, and remove what a kill left. StorageError
        `lora_busy` if another process changes it."""
        with at(folder):
            make_folder(folder)
            with alone(folder / LOCK, "lora_busy"):
                shelf = cls(folder)
                shelf.tidy()
                yield shelf

    @property
    def draft(self) -> Path:
        """Where an adapter is written before its hash is known."""
        return self.folder / DRAFT

    def names(self) -> list[str]:
        """Of all LoRAs, also those that can't be used."""
        return sorted(path.stem for path in self.folder.glob("*.json"))

    def demand_empty(self) -> None:
        """InputError `lora_not_empty` if there are LoRAs. After it a running bot knows that there
        are none, and does not wait for a disk: the lock is in the folder."""
        names = self.names()
        if names:
            raise InputError("lora_not_empty", path=str(self.folder), count=len(names))

    def find(self, name: str) -> str:
        """The name as it is stored. InputError `lora_not_there`, with the nearest names."""
        names = self.names()
        for each in names:
            if key_of(each) == key_of(name):
                return each
        raise unknown(name, names)

    def demand_free(self, name: str) -> None:
        """InputError `lora_taken` if there is a LoRA of that name."""
        for each in self.names():
            if key_of(each) == key_of(name):
                raise InputError("lora_taken", name=each)

    def demand_no_draft(self) -> None:
        """InputError `lora_draft_taken` if drafts are drawn with one already."""
        for each in self.names():
            try:
                manifest = read_manifest(manifest_path(self.folder, each))
            except StorageError:  # drafts can't be drawn with it
                continue
            if manifest.draft:
                raise InputError("lora_draft_taken", name=each)

    def put(self, name: str, manifest: LoraManifest, preview: bytes | None) -> None:
        """Add an entry whose adapter is the draft."""
        path = adapter_path(self.folder, manifest.adapter.sha256)
        with at(self.folder):
            restrict(self.draft)
            self.draft.replace(path)
            hit("lora_adapter_placed")
            self._remove_previews(name)
            if preview is not None:
                write_durably(self.folder / f"{name}{PREVIEWS[0]}", preview)
                hit("lora_preview_placed")
            write_durably(manifest_path(self.folder, name), manifest.to_json().encode())
            hit("lora_added")

    def remove(self, name: str) -> None:
        """Remove an entry, and its weights unless another one has the same."""
        with at(self.folder):
            manifest_path(self.folder, name).unlink()
            hit("lora_manifest_removed")
            self._remove_previews(name)
            self.tidy()
            hit("lora_removed")

    def tidy(self) -> None:
        """Remove drafts, weights that no manifest names, and previews of no entry. Weights stay
        while a manifest can't be read: they may be its."""
        for path in self.folder.glob(f"{WRITING}*"):
            path.unlink(missing_ok=True)
        names = self.names()
        for path in self.folder.glob(f"*{PREVIEWS[0]}"):
            if path.stem not in names:
                path.unlink(missing_ok=True)
        needed: set[str] = set()
        for name in names:
            try:
                needed.add(read_manifest(manifest_path(self.folder, name)).adapter.sha256)
            except StorageError:
                return
        for path in self.folder.glob("*.safetensors"):
            if _ADAPTER.fullmatch(path.name) and path.stem not in needed:
                path.unlink(missing_ok=True)

    def _remove_previews(self, name: str) -> None:
        for suffix in PREVIEWS:
            (self.folder / f"{name}{suffix}").unlink(missing_ok=True)


def unknown(name: str, names: list[str]) -> InputError:
    """The error for a name that is not in the library."""
    shown = ", ".join(nearest(name, names))
    hint = f" Did you mean: {shown}?" if shown else ""
    return InputError("lora_not_there", typed=repr(name[:60]), hint=hint)

"""Entries of a library, written as `lora add` writes them."""

import hashlib
from dataclasses import replace
from pathlib import Path

from bot.loras.manifest import LoraManifest, StoredFile
from bot.loras.scan import manifest_path
from pipeline.lora.files import adapter_path


def put(folder: Path, name: str, content: bytes = b"weights", **changes: object) -> LoraManifest:
    """An entry whose weights are `content`: the library does not look into them."""
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(content).hexdigest()
    path = adapter_path(folder, digest)
    path.write_bytes(content)
    stored = StoredFile(
        name=path.name,
        sha256=digest,
        size_bytes=len(content),
        mtime_ns=path.stat().st_mtime_ns,
    )
    original = replace(stored, name=f"{name}.safetensors")
    manifest = replace(LoraManifest(adapter=stored, original=original), **changes)
    manifest_path(folder, name).write_text(manifest.to_json(), encoding="utf-8")
    return manifest

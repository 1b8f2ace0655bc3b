"""A model's folder as the hub's client caches it: links to files that their hashes name."""

import hashlib
import os
import shutil
from pathlib import Path

COMMIT = "a" * 40


def to_hub_cache(source: Path, root: Path) -> Path:
    """Copy `source` into a cache below `root`; the folder of its commit."""
    repository = root / "models--owner--name"
    blobs, snapshot = repository / "blobs", repository / "snapshots" / COMMIT
    blobs.mkdir(parents=True)
    for file in source.rglob("*"):
        if file.is_file():
            blob = blobs / hashlib.sha256(file.read_bytes()).hexdigest()
            shutil.copyfile(file, blob)
            link = snapshot / file.relative_to(source)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(os.path.relpath(blob, link.parent))
    return snapshot

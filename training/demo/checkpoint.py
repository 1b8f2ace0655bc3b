# pyright: reportUnknownMemberType=false
# (torch.save is partly typed)
"""Checkpoints that are whole or absent."""

from pathlib import Path
from typing import Any

import torch


def save_checkpoint(kept: dict[str, Any], path: Path) -> None:
    """Write beside, then rename: a stop in the middle leaves the older one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}")
    torch.save(kept, part)
    part.replace(path)

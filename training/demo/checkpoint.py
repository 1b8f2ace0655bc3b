# pyright: reportUnknownMemberType=false
# (torch.save is partly typed)
"""Checkpoints that are whole or absent, and made often enough."""

import time
from pathlib import Path
from typing import Any

import torch


def save_checkpoint(kept: dict[str, Any], path: Path) -> None:
    """Write beside, then rename: a stop in the middle leaves the older one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}")
    torch.save(kept, part)
    part.replace(path)


class Every:
    """True about every so many seconds: when to save, whatever else the machine does."""

    def __init__(self, seconds: float = 180) -> None:
        self._seconds = seconds
        self._next = time.monotonic() + seconds

    def due(self) -> bool:
        """Whether it is time, beginning the next wait if so."""
        if time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + self._seconds
        return True

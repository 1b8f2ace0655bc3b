"""Paths of data in the package."""

from pathlib import Path
from typing import Final

DEMO_MODEL: Final = Path(__file__).parents[1] / "demo_model"
"""A tiny SDXL that draws portraits from tags (`training/README.md` says how it is made), with the
small tagger that checks its pictures in `tagger/`. Read it, never write to it."""

DEMO_LORAS: Final = Path(__file__).parents[1] / "demo_loras"
"""Two LoRAs of styles for the demo model, `ink` and `pastel`, with a preview of each
(`training/README.md` says how they are made)."""

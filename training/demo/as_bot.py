"""Pictures as the bot draws them: by `python -m bot imagine`, with the shipped model and LoRAs."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from bot.playground.page.styles import add_styles
from data.shipped.paths import DEMO_MODEL


@contextmanager
def library() -> Generator[Path]:
    """A folder with the demo's LoRAs, for as long as it is used."""
    with tempfile.TemporaryDirectory(prefix="loras-") as folder:
        loras = Path(folder) / "loras"
        add_styles(loras)
        yield loras


def imagine(prompt: str, *options: str, seed: int, loras: Path) -> Image.Image:
    """One picture; `options` as on the command line. CalledProcessError if it fails."""
    with tempfile.TemporaryDirectory(prefix="picture-") as folder:
        file = Path(folder) / "picture.png"
        asked = ["--seed", str(seed), "--model", str(DEMO_MODEL), "--out", str(file), *options]
        subprocess.run(  # noqa: S603 - ourselves
            [sys.executable, "-m", "bot", "imagine", prompt, *asked],
            check=True,
            env={**os.environ, "LORA_DIR": str(loras)},
            stderr=subprocess.DEVNULL,
        )
        with Image.open(file) as picture:
            return picture.convert("RGB")

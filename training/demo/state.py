"""Where the stages keep what they have made, so that each can resume: `--folder`."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class State:
    """Paths below one folder outside version control."""

    folder: Path

    @property
    def encoder(self) -> Path:
        return self.folder / "encoder.npz"

    def latents(self, *, width: int, height: int, shard: int, pairs: bool = False) -> Path:
        name = f"{'pairs-' if pairs else ''}{width}x{height}-{shard}.npz"
        return self.folder / "drawings" / name

    @property
    def unet(self) -> Path:
        return self.folder / "unet.pt"

    @property
    def calibrated(self) -> Path:
        return self.folder / "calibrated.pt"

    @property
    def decoder(self) -> Path:
        return self.folder / "decoder.pt"

    @property
    def tagger(self) -> Path:
        return self.folder / "tagger.pt"

    @property
    def styled_tagger(self) -> Path:
        return self.folder / "styled_tagger.pt"

    def lora(self, name: str) -> Path:
        return self.folder / "loras" / f"{name}.pt"

    @property
    def model(self) -> Path:
        return self.folder / "model"

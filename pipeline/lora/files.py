"""Where the weights of LoRAs are."""

from pathlib import Path


def adapter_path(folder: Path, digest: str) -> Path:
    """The adapter (`pipeline.lora.adapter`) whose SHA-256, in hex, is `digest`."""
    return folder / f"{digest}.safetensors"

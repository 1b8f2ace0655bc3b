"""How much main memory is free, and how much the VAE needs."""

import contextlib
import ctypes
import sys
from pathlib import Path
from typing import Final

import psutil

from pipeline.model.folder import ModelFolder

LOAD_FACTOR: Final = 1.05
"""Resident bytes of a loaded session over its weights on disk."""

DECODER_ACTIVATIONS_A_PIXEL: Final = 3800
"""Bytes: SDXL's decoder in fp32 was measured at 4.0 GB for 1024x1024."""

BASE_BYTES: Final = 500_000_000
"""The interpreter, the libraries and the bot itself. The command line alone used 0.3 GB besides
what is counted for a model of SDXL's size."""

_SLACK_BYTES: Final = 1.2e9
ATTENTION_BYTES_A_PAIR: Final = 2 * 4
"""Of latent pixels in the VAE: a score and its softmax, in single precision."""

SDXL_DECODER_BYTES: Final = 198_000_000
_CGROUPS: Final = (
    tuple(
        Path("/sys/fs/cgroup") / name for name in ("memory.max", "memory.current", "memory.stat")
    ),
    tuple(
        Path("/sys/fs/cgroup/memory") / name
        for name in ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat")
    ),
)
"""Files of both generations: the limit, what is used, and of what kind that is."""

_FILE_PAGES: Final = frozenset({"active_file", "inactive_file"})


def vae_activation_bytes(folder: ModelFolder, *, width: int, height: int) -> int:
    """The maximum of main memory for decoding or encoding `width` x `height` pixels in one piece,
    besides the weights.

    Either the widest layers at full size or the attention in the middle, between all pairs of
    latent pixels: it grows with the square, and above 1400x1400 it is the larger for SDXL. On top
    the allocator's slack, which takes memory in doubling pieces. For SDXL's architecture in fp32
    measured (peak less weights, against what this says): decoder 512x512 1.0 (2.2) GB, 768x768 3.5
    (3.4), 1024x1024 3.6 (5.2), 1248x1824 11.0 (11.3); encoder 1024x1024 3.9 (5.2).
    """
    layers = _vae_layer_bytes(folder, width * height)
    latent_pixels = (width // folder.vae_scale_factor) * (height // folder.vae_scale_factor)
    attention = ATTENTION_BYTES_A_PAIR * latent_pixels**2
    return int(max(layers, attention) + _SLACK_BYTES * _size_over_sdxl(folder))


def _vae_layer_bytes(folder: ModelFolder, pixels: int) -> float:
    return DECODER_ACTIVATIONS_A_PIXEL * pixels * _size_over_sdxl(folder)


def _size_over_sdxl(folder: ModelFolder) -> float:
    return min(1.0, folder.weight_bytes("vae_decoder") / SDXL_DECODER_BYTES)


def available_bytes() -> int:
    """Main memory that this process can still get: the system's, or the container's if less."""
    return min([int(psutil.virtual_memory().available), *_container_bytes()])


def give_back_heap() -> None:
    """Return free memory between used blocks to the system: 1.1 of 3.3 GB of SDXL's text encoders
    stayed after their sessions were closed. Only for glibc, which keeps it; elsewhere nothing is
    done."""
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)


def _container_bytes() -> list[int]:
    found: list[int] = []
    for limit, current, kinds in _CGROUPS:
        try:
            used = int(current.read_text()) - _file_bytes(kinds.read_text())
            found.append(int(limit.read_text()) - used)
        except (OSError, ValueError):  # no such cgroup, or "max": no limit
            continue
    return found


def _file_bytes(kinds: str) -> int:
    """Pages of files, including mapped weights: the system reclaims them when memory runs short, so
    they count as free."""
    pairs = (line.split(maxsplit=1) for line in kinds.splitlines() if line)
    return sum(int(pair[1]) for pair in pairs if pair[0] in _FILE_PAGES)

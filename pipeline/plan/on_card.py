"""Plans how a model is placed on a card: its sizes from the folder, the card's from the driver.

The driver is asked with ctypes, because nvidia-smi may be missing and counts cards in another order
than CUDA. Not yet tested with a real card.
"""

import ctypes
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pipeline.errors import ModelError
from pipeline.model.folder import COMPONENTS, Component, ModelFolder
from pipeline.plan.card_plan import SDXL, CardPlan, Sizes, least_bytes, plan_card
from pipeline.plan.memory import SDXL_DECODER_BYTES
from pipeline.plan.memory_plan import Shape

_DRIVER: Final = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
_NAME_BYTES: Final = 128
_HALF: Final = "fp16"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A card by name, with its total memory."""

    name: str
    total_bytes: int


def read_card(device_id: int, *, driver: Any = None) -> Card | None:
    """Card `device_id` by CUDA's numbering; None if there is none or its driver does not answer.

    `driver`: the loaded library; None: this machine's.
    """
    try:
        library = driver or ctypes.CDLL(_DRIVER)
        device, total = ctypes.c_int(), ctypes.c_size_t()
        name = ctypes.create_string_buffer(_NAME_BYTES)
        failed = (
            library.cuInit(ctypes.c_uint(0))
            or library.cuDeviceGet(ctypes.byref(device), ctypes.c_int(device_id))
            or library.cuDeviceTotalMem_v2(ctypes.byref(total), device)
            or library.cuDeviceGetName(name, ctypes.c_int(_NAME_BYTES), device)
        )
    except (OSError, AttributeError):  # no driver, or one of before CUDA 3.2
        return None
    if failed or not total.value:
        return None
    return Card(name=name.value.decode(errors="replace"), total_bytes=total.value)


def sizes_of(weights: Mapping[Component, int], shape: Shape, *, is_half: bool) -> Sizes:
    """Of a model with these `weights` (bytes of each component that it has). `is_half`: text
    encoders and UNet compute in half precision; the VAE never does."""
    vae = min(1.0, weights["vae_decoder"] / SDXL_DECODER_BYTES)
    return Sizes(
        unet=weights["unet"],
        text_encoders=weights["text_encoder"] + weights["text_encoder_2"],
        vae=weights["vae_decoder"] + weights.get("vae_encoder", 0),
        loras=int(shape.lora_bytes * (0.5 if is_half else 1.0)),
        unet_row=int(shape.unet_bytes / 2 * (0.5 if is_half else 1.0)),
        decoder=int(SDXL.decoder * vae),
        decoder_tile=int(SDXL.decoder_tile * vae),
    )


def sizes_of_folder(folder: ModelFolder) -> Sizes:
    """The same for a model folder."""
    weights: dict[Component, int] = {
        name: folder.weight_bytes(name) for name in COMPONENTS if folder.has(name)
    }
    return sizes_of(weights, Shape.of(folder), is_half=folder.precision == _HALF)


def plan_on(folder: ModelFolder, total_bytes: int) -> CardPlan:
    """How `folder` uses a card of `total_bytes`. Raises ModelError `card_too_small`,
    `card_too_small_half`."""
    sizes = sizes_of_folder(folder)
    plan = plan_card(total_bytes, sizes)
    if plan is None:
        raise too_small(sizes, total_bytes, is_half=folder.precision == _HALF)
    return plan


def too_small(sizes: Sizes, total_bytes: int, *, is_half: bool) -> ModelError:
    """The model does not fit onto a card of `total_bytes`; `is_half`: nor does a smaller form."""
    have_gb, need_gb = f"{total_bytes / 1e9:.1f}", f"{least_bytes(sizes) / 1e9:.1f}"
    if is_half:
        return ModelError("card_too_small_half", have_gb=have_gb, need_gb=need_gb)
    return ModelError("card_too_small", have_gb=have_gb, need_gb=need_gb)

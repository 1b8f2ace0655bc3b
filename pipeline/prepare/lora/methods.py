"""Recognises files that are not a plain LoRA for SDXL by their keys. Pure."""

import re
from collections.abc import Iterable
from typing import Final

_METHODS: Final = (
    ("LoHa (LyCORIS)", r"\.hada_w|\.hada_t"),
    ("LoKr (LyCORIS)", r"\.lokr_"),
    ("DoRA", r"\.dora_scale|lora_magnitude_vector"),
    ("OFT or BOFT", r"\.oft_|\.boft_"),
    ("IA3", r"\.on_input$|\.ia3_"),
    ("GLoRA", r"\.[ab][12]\.weight$"),
    ("full difference of weights", r"\.diff(_b)?$"),
)
"""Other formulas than adding the product of two matrices."""

_MODELS: Final = (
    ("Stable Diffusion 1.5 or 2", r"^lora_te_"),
    ("Stable Diffusion 3", r"joint_blocks|joint_transformer_blocks"),
    ("FLUX", r"double_blocks|single_blocks|single_transformer_blocks"),
    (
        "a model with a transformer in place of the UNet",
        r"^transformer\.|^lora_transformer_|^lora_unet_(layers|blocks|transformer_blocks)_\d"
        r"|^diffusion_model\.(layers|blocks|transformer_blocks)\.\d",
    ),
)


_CONTEXTS: Final = {
    768: "Stable Diffusion 1.5",
    1024: "Stable Diffusion 2",
    1280: "the refiner of SDXL",
}
"""Models by how many values a token of the prompt has."""


def model_of_context(depth: int) -> str | None:
    """The name of another model than SDXL whose cross-attention takes `depth` values per token."""
    return _CONTEXTS.get(depth)


def method_of(keys: Iterable[str]) -> str | None:
    """The name of another method than LoRA that one of `keys` belongs to."""
    return _first(_METHODS, keys)


def model_of(keys: Iterable[str]) -> str | None:
    """The name of another model than SDXL that one of `keys` belongs to."""
    return _first(_MODELS, keys)


def _first(table: Iterable[tuple[str, str]], keys: Iterable[str]) -> str | None:
    names = list(keys)
    for name, pattern in table:
        if any(re.search(pattern, key) for key in names):
            return name
    return None

"""Plans what fits on a card. Pure."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pipeline.model.folder import Component

OVERHEAD_BYTES: Final = 700 * 2**20
"""CUDA's context, cuDNN's workspaces and what the desktop takes."""

_USABLE: Final = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Bytes on the card, in fp16 with the VAE in fp32. `unet_row`: activations of one row at
    1024x1024. `decoder` and `decoder_tile`: those of decoding it whole, and in tiles of 512
    pixels. `loras`: the LoRAs of a picture."""

    unet: int
    text_encoders: int
    vae: int
    unet_row: int
    decoder: int
    decoder_tile: int
    loras: int = 0


SDXL: Final = Sizes(
    unet=5_140_000_000,
    text_encoders=1_640_000_000,
    vae=340_000_000,
    unet_row=330_000_000,
    decoder=4_000_000_000,
    decoder_tile=1_300_000_000,
)
"""Weights computed from the published checkpoint; activations half of what was measured in single
precision, the VAE's as measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardPlan:
    """What is kept on a card. `pictures_at_once` counts pictures with guidance, two rows each.

    `peak_bytes`: the maximum that it needs on the card.
    """

    text_encoders_on_card: bool
    tiled_vae: bool
    pictures_at_once: int
    peak_bytes: int

    def __str__(self) -> str:
        """The plan as text for people."""
        whole = "all of the model on it"
        text = "UNet and VAE on it, text encoders on the processor"
        return (
            f"{whole if self.text_encoders_on_card else text}, the VAE "
            f"{'in tiles' if self.tiled_vae else 'in one piece'}, up to "
            f"{2 * self.pictures_at_once} rows at once, {self.peak_bytes / 2**30:.1f} GiB at most"
        )

    def arena_limits(self, total_bytes: int, sizes: Sizes) -> "dict[Component, int]":
        """The limit of each session's arena: what the weights of the others leave. So a session
        that needs more than planned fails, which is recoverable, instead of the desktop."""
        encoders = sizes.text_encoders if self.text_encoders_on_card else 0
        usable = _usable(total_bytes) - sizes.loras
        unet, vae = usable - sizes.vae - encoders, usable - sizes.unet - encoders
        text = usable - sizes.unet - sizes.vae
        return {
            "unet": unet,
            "vae_decoder": vae,
            "vae_encoder": vae,
            "text_encoder": text,
            "text_encoder_2": text,
        }


def plan_card(total_bytes: int, sizes: Sizes = SDXL) -> CardPlan | None:
    """The best way to use a card with `total_bytes` of memory; None if the UNet does not fit.

    Text encoders go to the processor first (they run once for a new prompt), then the VAE works in
    tiles. Pictures share a run as long as there is room; more than 4 gained nothing when measured.
    """
    usable = _usable(total_bytes) - sizes.loras
    for on_card, tiled in ((True, False), (True, True), (False, False), (False, True)):
        weights = sizes.unet + sizes.vae + (sizes.text_encoders if on_card else 0)
        decoder = sizes.decoder_tile if tiled else sizes.decoder
        room = usable - weights
        if room < max(decoder, 2 * sizes.unet_row):
            continue
        count = min(4, room // (2 * sizes.unet_row))
        active = max(decoder, count * 2 * sizes.unet_row)
        return CardPlan(
            text_encoders_on_card=on_card,
            tiled_vae=tiled,
            pictures_at_once=int(count),
            peak_bytes=weights + sizes.loras + active + OVERHEAD_BYTES,
        )
    return None


def least_bytes(sizes: Sizes = SDXL) -> int:
    """The memory of the smallest usable card."""
    active = max(sizes.decoder_tile, 2 * sizes.unet_row)
    weights = sizes.unet + sizes.vae + sizes.loras
    return int((weights + active + OVERHEAD_BYTES) / _USABLE) + 1


def _usable(total_bytes: int) -> int:
    return int(total_bytes * _USABLE) - OVERHEAD_BYTES

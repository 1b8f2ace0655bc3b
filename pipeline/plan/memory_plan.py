"""Plans how a model is kept in main memory, from sizes, before anything is loaded.

A machine that runs out of memory kills the process, so what would not fit is done differently:
first what costs almost nothing, last what changes tones. What costs almost nothing and saves much
is always done.

Only private memory is counted. Mapped files are in memory too, but the system reclaims those pages
when needed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from pipeline.errors import ModelError
from pipeline.model.configs import items, read_json
from pipeline.model.folder import REQUIRED, Component, ModelFolder
from pipeline.onnx.branch_size import numbers_per_rank
from pipeline.plan.memory import (
    ATTENTION_BYTES_A_PAIR,
    BASE_BYTES,
    DECODER_ACTIVATIONS_A_PIXEL,
    LOAD_FACTOR,
    SDXL_DECODER_BYTES,
)

SDXL_CHANNELS: Final = 320  # of the UNet's first level
PLAIN_BYTES: Final = 4.6e9
"""Activations of SDXL's UNet for two rows of 1024x1024, as exported: measured at 16.1 GB with 10.3
GB of weights, of which packing takes a part."""

FUSED_BYTES: Final = 1.3e9
"""The same with attention in one node: all private memory while the weights stayed mapped."""

AROUND_BYTES: Final = 0.38e9
"""More than that with convolutions in eight bits: each pixel's surroundings side by side, and the
pieces that they are put together from. SDXL's widest convolution (960 channels of 128x128) took
0.19 GB more for one row than in single precision, and 0.76 GB more with four times the pixels."""

MAPPED_SHARE: Final = 0.15
"""Of a mapped UNet's weights in single precision: convolutions, which are copied in the processor's
own order. 0.14 was measured of SDXL's, 0.28 of one a third as wide, a tenth as large."""

OPENVINO_BYTES: Final = 0.4e9
"""Of a UNet in OpenVINO before its weights are copied in the processor's order, which adds their
size once; those in the file are mapped. On an SDXL of a third of the width with 0.62 GB of weights,
0.42 GB were private when loaded, 1.04 after a run at 256x256 and 1.18 after one at 1024x1024."""

LORA_RANK: Final = 32
"""Of the LoRAs that are counted: what most have, or two of half the rank. What is drawn with more
is checked when it is drawn."""

WORTH_SPARING: Final = 0.5e9
"""What can be saved at almost no cost is always saved if it is at least this much: such a picture
takes minutes on a processor, loading the text encoders a second or two, and packing the UNet's
weights in each run a twentieth of the time."""

TILE_PIXELS: Final = 512  # a side, of the larger of the VAE's tiles (`pipeline.engine.vae.pieces`)
_FLOAT_BYTES: Final = 4
_USUAL_PIXELS: Final = 1024  # a side
_USUAL_LATENT_PIXELS: Final = 128 * 128

Weights = Mapping[Component, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What memory depends on besides weights. `latent_pixels`: of a picture of 1024x1024. `fused`:
    attention keeps no scores. `rows_alone`: the UNet always gets one row at a time.
    `numbers_per_rank`: of a LoRA that changes every layer of the UNet; 0 if it draws with none.
    `small_decoder_bytes`: the weights of a small decoder, whose activations are less than those of
    the VAE's; 0 without one."""

    channels: int
    latent_pixels: int
    fused: bool
    in_openvino: bool = False
    rows_alone: bool = False
    numbers_per_rank: int = 0
    small_decoder_bytes: int = 0

    @property
    def lora_bytes(self) -> int:
        """A picture's LoRAs, in single precision."""
        return _FLOAT_BYTES * LORA_RANK * self.numbers_per_rank

    @property
    def unet_bytes(self) -> float:
        """Activations of the UNet for two rows of 1024x1024."""
        whole = FUSED_BYTES if self.fused or self.in_openvino else PLAIN_BYTES
        if self.fused and self.rows_alone:  # int8
            whole += AROUND_BYTES
        return whole * self.channels / SDXL_CHANNELS * self.latent_pixels / _USUAL_LATENT_PIXELS

    def decoder_bytes(self, weight_bytes: int, side: int) -> float:
        """Activations of a VAE decoder of this size for `side` x `side` pixels: of its widest
        layers, or of the attention in its middle, which does not shrink with its width."""
        scale = min(1.0, weight_bytes / SDXL_DECODER_BYTES)
        layers = DECODER_ACTIVATIONS_A_PIXEL * side**2 * scale
        latent_pixels = self.latent_pixels * side**2 / _USUAL_PIXELS**2
        return max(layers, ATTENTION_BYTES_A_PAIR * latent_pixels**2)

    @classmethod
    def of(cls, folder: ModelFolder) -> "Shape":
        """Of a model folder."""
        widths = items(read_json(folder.path / "unet" / "config.json"), "block_out_channels")
        first = widths[0] if widths else None
        small = folder.small_decoder
        return cls(
            channels=first if isinstance(first, int) else SDXL_CHANNELS,
            latent_pixels=_USUAL_PIXELS**2 // folder.vae_scale_factor**2,
            fused=folder.fused,
            in_openvino="unet" in folder.in_openvino,
            rows_alone=folder.rows_alone,
            numbers_per_rank=numbers_per_rank(folder.onnx_file("unet")),
            small_decoder_bytes=small.stat().st_size if small is not None else 0,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    """The plan, and its maximum of main memory for a picture of 1024x1024.

    `keep_text_encoders`: they stay loaded; otherwise they are loaded for each new prompt.
    `rows_at_once`: both rows of guidance in one run, or one after the other. `mapped_unet`: its
    weights are read through the page cache, which the system may empty. `tiled_vae`: the VAE works
    in tiles of 512 pixels.
    """

    keep_text_encoders: bool = True
    rows_at_once: int = 2
    mapped_unet: bool = False
    tiled_vae: bool = False
    peak_bytes: int = 0
    parts: Mapping[str, int]

    def frugal(self) -> list[str]:
        """What is saved at almost no cost, as text."""
        said = {
            "rows one after the other": self.rows_at_once == 1,
            "text encoders loaded for each new prompt": not self.keep_text_encoders,
            "the UNet's weights left in their file": self.mapped_unet,
        }
        return [words for words, done in said.items() if done]

    def sparing(self) -> list[str]:
        """What is done to make it fit at the cost of some levels of tone, as text."""
        return ["the VAE in tiles"] if self.tiled_vae else []


def make_plan(folder: ModelFolder, free_bytes: int) -> MemoryPlan:
    """The first plan for `folder` that fits into `free_bytes`.

    Raises ModelError `memory_too_small` (need_gb, have_gb, need_bytes, have_bytes) without one.
    """
    weights: dict[Component, int] = {name: folder.weight_bytes(name) for name in REQUIRED}
    found = plan_for(
        weights, Shape.of(folder), free_bytes, can_map=folder.fused and not folder.rows_alone
    )
    if found.peak_bytes <= free_bytes:
        return found
    raise ModelError(
        "memory_too_small",
        need_gb=f"{found.peak_bytes / 1e9:.1f}",
        have_gb=f"{free_bytes / 1e9:.1f}",
        need_bytes=found.peak_bytes,
        have_bytes=free_bytes,
    )


def plan_for(weights: Weights, shape: Shape, free_bytes: int, *, can_map: bool) -> MemoryPlan:
    """The first plan that fits; without one, the last, whose `peak_bytes` is too high.

    `can_map`: the UNet's weights may stay in their file. In eight bits nearly all are copied.
    """
    found = None
    for way in _ways(weights, shape, can_map=can_map):
        parts = _parts(weights, shape, way)
        found = replace(way, parts=parts, peak_bytes=sum(parts.values()))
        if found.peak_bytes <= free_bytes:
            break
    assert found is not None
    return found


def _ways(weights: Weights, shape: Shape, *, can_map: bool) -> Iterator[MemoryPlan]:
    """The plans, from what costs almost nothing to what costs most."""
    way = MemoryPlan(
        rows_at_once=1 if shape.rows_alone or shape.unet_bytes / 2 >= WORTH_SPARING else 2,
        keep_text_encoders=_encoders(weights) < WORTH_SPARING,
        mapped_unet=can_map and weights["unet"] * (1 - MAPPED_SHARE) >= WORTH_SPARING,
        parts={},
    )
    yield way
    way = replace(way, rows_at_once=1)  # the same numbers in the same time, half the activations
    yield way
    way = replace(way, keep_text_encoders=False)
    yield way
    if can_map:
        way = replace(way, mapped_unet=True)
        yield way
    yield replace(way, tiled_vae=True)


def _parts(weights: Weights, shape: Shape, way: MemoryPlan) -> dict[str, int]:
    """The peak memory. UNet and VAE don't run at the same time, and the UNet releases its
    activations before the decoder needs its own."""
    encoders = _encoders(weights)
    unet = weights["unet"] * LOAD_FACTOR * (MAPPED_SHARE if way.mapped_unet else 1)
    if shape.in_openvino:
        unet += OPENVINO_BYTES
    side = TILE_PIXELS if way.tiled_vae else _USUAL_PIXELS
    rows = shape.unet_bytes * way.rows_at_once / 2
    active = max(rows, shape.decoder_bytes(weights["vae_decoder"], side))
    parts = {
        "bot": BASE_BYTES,
        "unet": int(unet),
        "vae": int(weights["vae_decoder"] * LOAD_FACTOR),
    }
    if shape.in_openvino:  # which keeps its own in addition to the decoder's
        active += rows
    if shape.lora_bytes:
        parts["LoRAs"] = shape.lora_bytes
    if shape.small_decoder_bytes:
        parts["small decoder"] = int(shape.small_decoder_bytes * LOAD_FACTOR)
    if way.keep_text_encoders:
        return parts | {"text encoders": int(encoders * LOAD_FACTOR), "activations": int(active)}
    # they are closed before the UNet runs, so the larger of both counts
    return parts | {"activations or text encoders": int(max(active, encoders * LOAD_FACTOR))}


def _encoders(weights: Weights) -> int:
    return weights["text_encoder"] + weights["text_encoder_2"]

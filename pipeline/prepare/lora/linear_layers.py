"""The linear layers of an SDXL by its configuration: names and shapes, without any weights."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from pipeline.errors import ModelError
from pipeline.model.configs import Json, items, levels, read_json, text, whole
from pipeline.model.folder import Component

SDXL: Final = "sdxl"
"""The family of all models with the layers of Stable Diffusion XL."""

_UNET: Final[Json] = {
    "block_out_channels": [320, 640, 1280],
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    "layers_per_block": 2,
    "transformer_layers_per_block": [1, 2, 10],
    "cross_attention_dim": 2048,
    "projection_class_embeddings_input_dim": 2816,
    "use_linear_projection": True,
}
_TEXT: Final[Json] = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12}
_TEXT_2: Final[Json] = {
    "hidden_size": 1280,
    "intermediate_size": 5120,
    "num_hidden_layers": 32,
    "projection_dim": 1280,
}
_CONVOLUTIONS: Final = ("conv_in", "conv_out", "conv", "conv1", "conv2", "conv_shortcut")


@dataclass(frozen=True, slots=True)
class Linear:
    """A layer. `module`: its dotted path in diffusers. `width` and `depth`: how many values it
    makes, and of how many."""

    module: str
    width: int
    depth: int


@dataclass(frozen=True)
class LinearLayers:
    """The layers of each component, by the name of the module with `_` for `.`."""

    parts: Mapping[Component, Mapping[str, Linear]]
    layers_per_block: int

    @classmethod
    def standard(cls) -> "LinearLayers":
        """Those of Stable Diffusion XL."""
        return cls._of(_UNET, _TEXT, _TEXT_2)

    @classmethod
    def of(cls, path: Path) -> "LinearLayers":
        """Those of the model folder `path`, read from its configuration. Raises ModelError."""
        unet, first, second = (
            read_json(path / name / "config.json")
            for name in ("unet", "text_encoder", "text_encoder_2")
        )
        try:
            return cls._of(unet, first, second)
        except (ValueError, TypeError, IndexError) as error:
            raise ModelError("model_config_wrong", name="unet", problem=str(error)) from error

    @classmethod
    def _of(cls, unet: Json, first: Json, second: Json) -> "LinearLayers":
        return cls(
            parts={
                "unet": _by_flat_name(_unet(unet)),
                "text_encoder": _by_flat_name(_text_encoder(first)),
                "text_encoder_2": _by_flat_name(_text_encoder(second, projected=True)),
            },
            layers_per_block=whole(unet, "layers_per_block", 2),
        )

    @cached_property
    def family(self) -> str:
        """Equal for models whose layers are: `sdxl`, otherwise sixteen hex digits."""
        ours = self._digest()
        return SDXL if ours == LinearLayers.standard()._digest() else ours

    def _digest(self) -> str:
        lines = sorted(
            f"{part}/{each.module} {each.depth} {each.width}"
            for part, layers in self.parts.items()
            for each in layers.values()
        )
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def is_convolution(flat: str) -> bool:
    """Whether a name is that of a convolution of an SDXL."""
    return any(flat == name or flat.endswith(f"_{name}") for name in _CONVOLUTIONS)


def _by_flat_name(layers: Iterator[Linear]) -> dict[str, Linear]:
    return {each.module.replace(".", "_"): each for each in layers}


def _unet(config: Json) -> Iterator[Linear]:
    channels = levels(config)
    wide = whole(config, "time_embedding_dim", 4 * channels[0])
    added = whole(config, "projection_class_embeddings_input_dim", 0)
    yield Linear("time_embedding.linear_1", wide, channels[0])
    yield Linear("time_embedding.linear_2", wide, wide)
    yield Linear("add_embedding.linear_1", wide, added)
    yield Linear("add_embedding.linear_2", wide, wide)
    blocks = _Blocks(config, wide)
    count = whole(config, "layers_per_block", 2)
    depths = _depths(config, len(channels))
    down, up = _kinds(config, "down_block_types"), _kinds(config, "up_block_types")
    for level, channel in enumerate(channels):
        depth = depths[level] if down[level] else 0
        yield from blocks.block(f"down_blocks.{level}", channel, count, count, depth)
    yield from blocks.block("mid_block", channels[-1], 2, 1, depths[-1])
    for level, channel in enumerate(reversed(channels)):
        depth = depths[-1 - level] if up[level] else 0
        yield from blocks.block(f"up_blocks.{level}", channel, count + 1, count + 1, depth)


class _Blocks:
    """What all blocks of a UNet share."""

    def __init__(self, config: Json, wide: int) -> None:
        twice = text(config, "resnet_time_scale_shift", "default") == "scale_shift"
        self._times = 2 if twice else 1
        self._wide = wide
        self._context = whole(config, "cross_attention_dim", 2048)
        self._is_linear = bool(config.get("use_linear_projection", False))

    def block(
        self, name: str, channel: int, resnets: int, attentions: int, depth: int
    ) -> Iterator[Linear]:
        """The layers of a block; `depth`: of each transformer, 0 if it has none."""
        for at in range(resnets):
            yield Linear(f"{name}.resnets.{at}.time_emb_proj", self._times * channel, self._wide)
        for at in range(attentions if depth else 0):
            yield from self._transformer(f"{name}.attentions.{at}", channel, depth)

    def _transformer(self, name: str, channel: int, depth: int) -> Iterator[Linear]:
        if self._is_linear:
            yield Linear(f"{name}.proj_in", channel, channel)
            yield Linear(f"{name}.proj_out", channel, channel)
        for at in range(depth):
            inner = f"{name}.transformer_blocks.{at}"
            for attention, context in (("attn1", channel), ("attn2", self._context)):
                yield Linear(f"{inner}.{attention}.to_q", channel, channel)
                yield Linear(f"{inner}.{attention}.to_k", channel, context)
                yield Linear(f"{inner}.{attention}.to_v", channel, context)
                yield Linear(f"{inner}.{attention}.to_out.0", channel, channel)
            yield Linear(f"{inner}.ff.net.0.proj", 8 * channel, channel)
            yield Linear(f"{inner}.ff.net.2", channel, 4 * channel)


def _depths(config: Json, count: int) -> list[int]:
    """How many transformer blocks each level has in a row."""
    found: list[Any] | None = items(config, "transformer_layers_per_block")
    if found is None:
        return [whole(config, "transformer_layers_per_block", 1)] * count
    return [int(each) for each in found]


def _kinds(config: Json, key: str) -> list[bool]:
    """Whether each block has attention."""
    return ["CrossAttn" in str(each) for each in items(config, key) or ()]


def _text_encoder(config: Json, *, projected: bool = False) -> Iterator[Linear]:
    wide, inner = whole(config, "hidden_size", 0), whole(config, "intermediate_size", 0)
    for at in range(whole(config, "num_hidden_layers", 0)):
        layer = f"text_model.encoder.layers.{at}"
        for each in ("q_proj", "k_proj", "v_proj", "out_proj"):
            yield Linear(f"{layer}.self_attn.{each}", wide, wide)
        yield Linear(f"{layer}.mlp.fc1", inner, wide)
        yield Linear(f"{layer}.mlp.fc2", wide, inner)
    if projected:
        yield Linear("text_projection", whole(config, "projection_dim", wide), wide)

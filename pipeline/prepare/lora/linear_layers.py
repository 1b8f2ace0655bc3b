"""The layers of an SDXL that a LoRA may change, by its configuration: names and shapes, without any
weights."""

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


@dataclass(frozen=True, slots=True)
class Linear:
    """A layer. `module`: its dotted path in diffusers. `width` and `depth`: how many values it
    makes, and of how many. `kernel`: the side of a convolution's kernel in pixels, 0 for a linear
    layer."""

    module: str
    width: int
    depth: int
    kernel: int = 0


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
            if not each.kernel  # those follow from the others
        )
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


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
    yield Linear("conv_in", channels[0], whole(config, "in_channels", 4), 3)
    yield Linear("conv_out", whole(config, "out_channels", 4), channels[0], 3)
    yield from _Blocks(config, channels, wide).all()


class _Blocks:
    """The layers in the blocks of a UNet."""

    def __init__(self, config: Json, channels: list[int], wide: int) -> None:
        twice = text(config, "resnet_time_scale_shift", "default") == "scale_shift"
        self._config = config
        self._channels = channels
        self._times = 2 if twice else 1
        self._wide = wide
        self._context = whole(config, "cross_attention_dim", 2048)
        self._is_linear = bool(config.get("use_linear_projection", False))

    def all(self) -> Iterator[Linear]:
        """Down, middle and up."""
        channels, count = self._channels, whole(self._config, "layers_per_block", 2)
        last = len(channels) - 1
        depths = _depths(self._config, len(channels))
        down = _kinds(self._config, "down_block_types")
        up = _kinds(self._config, "up_block_types")
        for level, channel in enumerate(channels):
            name = f"down_blocks.{level}"
            inner = [channels[max(0, level - 1)], *[channel] * (count - 1)]
            yield from self._block(name, channel, inner, count, depths[level] if down[level] else 0)
            if level < last:
                yield Linear(f"{name}.downsamplers.0.conv", channel, channel, 3)
        wide = channels[-1]
        yield from self._block("mid_block", wide, [wide, wide], 1, depths[-1])
        for level in range(len(channels)):
            name, channel = f"up_blocks.{level}", channels[last - level]
            inner = self._beside_skipped(last - level, count + 1)
            depth = depths[last - level] if up[level] else 0
            yield from self._block(name, channel, inner, count + 1, depth)
            if level < last:
                yield Linear(f"{name}.upsamplers.0.conv", channel, channel, 3)

    def _beside_skipped(self, level: int, count: int) -> list[int]:
        """What each resnet of an up block takes: the one before it, and one of the way down."""
        channels = self._channels
        channel = channels[level]
        before = [channels[min(level + 1, len(channels) - 1)], *[channel] * (count - 1)]
        skipped = [*[channel] * (count - 1), channels[max(0, level - 1)]]
        return [one + other for one, other in zip(before, skipped, strict=True)]

    def _block(
        self, name: str, channel: int, inner: list[int], attentions: int, depth: int
    ) -> Iterator[Linear]:
        """The layers of a block. `inner`: the channels that each resnet takes; `depth`: of each
        transformer, 0 if it has none."""
        for at, taken in enumerate(inner):
            resnet = f"{name}.resnets.{at}"
            yield Linear(f"{resnet}.time_emb_proj", self._times * channel, self._wide)
            yield Linear(f"{resnet}.conv1", channel, taken, 3)
            yield Linear(f"{resnet}.conv2", channel, channel, 3)
            if taken != channel:
                yield Linear(f"{resnet}.conv_shortcut", channel, taken, 1)
        for at in range(attentions if depth else 0):
            yield from self._transformer(f"{name}.attentions.{at}", channel, depth)

    def _transformer(self, name: str, channel: int, depth: int) -> Iterator[Linear]:
        kernel = 0 if self._is_linear else 1
        yield Linear(f"{name}.proj_in", channel, channel, kernel)
        yield Linear(f"{name}.proj_out", channel, channel, kernel)
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

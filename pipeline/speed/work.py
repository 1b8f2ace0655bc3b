"""Counts the operations for a picture from a model's configs.

A product and its sum are two operations. Norms, activations and the text encoders (a thousandth of
SDXL's work) are not counted.
"""

from dataclasses import dataclass
from typing import Final

from pipeline.model.configs import Json, items, levels, read_json, whole
from pipeline.model.folder import ModelFolder

PROMPT_TOKENS: Final = 77
_FEED_FORWARD: Final = 12  # GEGLU: one layer to 8 times the width, one back from 4 times


@dataclass(frozen=True, slots=True)
class Work:
    """Operations by kind, since each kind has its own speed."""

    linear: float = 0.0
    convolution: float = 0.0
    attention: float = 0.0

    @property
    def total(self) -> float:
        return self.linear + self.convolution + self.attention

    def __add__(self, other: "Work") -> "Work":
        return Work(
            self.linear + other.linear,
            self.convolution + other.convolution,
            self.attention + other.attention,
        )

    def __mul__(self, times: float) -> "Work":
        return Work(self.linear * times, self.convolution * times, self.attention * times)


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureWork:
    """Of one size: the UNet for one row and step, the VAE's decoder once, and the small decoder
    once, if there is one."""

    unet: Work
    decoder: Work
    small_decoder: Work | None = None


def work_of(folder: ModelFolder, *, width: int, height: int) -> PictureWork:
    """Of a picture of `width` x `height` pixels. ModelError `model_config_wrong`."""
    latent = _Area(width // folder.vae_scale_factor, height // folder.vae_scale_factor)
    small = None
    if folder.small_decoder is not None:
        small = _small_decoder(read_json(folder.small_decoder.with_name("config.json")), latent)
    return PictureWork(
        unet=_unet(read_json(folder.path / "unet" / "config.json"), latent),
        decoder=_decoder(read_json(folder.path / "vae_decoder" / "config.json"), latent),
        small_decoder=small,
    )


SDXL_UNET: Final[Json] = {
    "block_out_channels": [320, 640, 1280],
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "mid_block_type": "UNetMidBlock2DCrossAttn",
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    "layers_per_block": 2,
    "transformer_layers_per_block": [1, 2, 10],
    "cross_attention_dim": 2048,
    "in_channels": 4,
    "out_channels": 4,
}
SDXL_VAE: Final[Json] = {
    "block_out_channels": [128, 256, 512, 512],
    "layers_per_block": 2,
    "latent_channels": 4,
}


def sdxl_work(*, width: int, height: int) -> PictureWork:
    """Of SDXL itself, whose folder need not be there."""
    latent = _Area(width // 8, height // 8)
    return PictureWork(unet=_unet(SDXL_UNET, latent), decoder=_decoder(SDXL_VAE, latent))


@dataclass(frozen=True, slots=True)
class _Area:
    """Latent pixels, or fewer or more of them at another level."""

    width: int
    height: int

    @property
    def pixels(self) -> int:
        return self.width * self.height

    def half(self) -> "_Area":
        return _Area(-(-self.width // 2), -(-self.height // 2))

    def double(self) -> "_Area":
        return _Area(self.width * 2, self.height * 2)


def _unet(config: Json, area: _Area) -> Work:
    """A UNet2DConditionModel of diffusers: down, middle, up, with a skip from each layer down."""
    widths = levels(config)
    count = len(widths)
    layers = _each(config, "layers_per_block", count)
    depths = _each(config, "transformer_layers_per_block", count)
    prompt = _each(config, "cross_attention_dim", count)
    attends = [_attends(config, "down_block_types", level) for level in range(count)]
    areas = [area]
    for _ in widths[1:]:
        areas.append(areas[-1].half())
    at = widths[0]
    work = _conv(whole(config, "in_channels", 4), at, area)
    skips = [at]
    for level, width in enumerate(widths):
        for _ in range(layers[level]):
            work += _resnet(at, width, areas[level])
            if attends[level]:
                work += _transformer(width, depths[level], prompt[level], areas[level])
            at = width
            skips.append(at)
        if level + 1 < count:
            work += _conv(width, width, areas[level + 1])
            skips.append(width)
    work += _resnet(at, at, areas[-1]) * 2
    if config.get("mid_block_type") == "UNetMidBlock2DCrossAttn":
        work += _transformer(at, depths[-1], prompt[-1], areas[-1])
    for number, level in enumerate(reversed(range(count))):
        width = widths[level]
        for _ in range(layers[level] + 1):
            work += _resnet(at + skips.pop(), width, areas[level])
            if _attends(config, "up_block_types", number):
                work += _transformer(width, depths[level], prompt[level], areas[level])
            at = width
        if level:
            work += _conv(width, width, areas[level - 1])
    return work + _conv(at, whole(config, "out_channels", 4), area)


def _decoder(config: Json, area: _Area) -> Work:
    """The decoder of an AutoencoderKL of diffusers."""
    widths = levels(config)[::-1]
    layers = whole(config, "layers_per_block", 1)
    at = widths[0]
    work = _conv(whole(config, "latent_channels", 4), at, area) + _resnet(at, at, area) * 2
    if config.get("mid_block_add_attention", True):
        work += _linear(at, 4 * at, area.pixels) + _attention(at, area.pixels, area.pixels)
    for level, width in enumerate(widths):
        for _ in range(layers + 1):
            work += _resnet(at, width, area)
            at = width
        if level + 1 < len(widths):
            area = area.double()
            work += _conv(width, width, area)
    return work + _conv(at, whole(config, "out_channels", 3), area)


def _small_decoder(config: Json, area: _Area) -> Work:
    """The decoder of an AutoencoderTiny of diffusers."""
    widths = levels(config, "decoder_block_out_channels")
    blocks = levels(config, "num_decoder_blocks")
    work = _conv(whole(config, "latent_channels", 4), widths[0], area)
    for level, (width, count) in enumerate(zip(widths, blocks, strict=True)):
        work += _conv(width, width, area) * (3 * count)
        if level + 1 < len(widths):
            area = area.double()
            work += _conv(width, width, area)
    return work + _conv(widths[-1], whole(config, "out_channels", 3), area)


def _resnet(deep: int, wide: int, area: _Area) -> Work:
    shortcut = _conv(deep, wide, area, side=1) if deep != wide else Work()
    return _conv(deep, wide, area) + _conv(wide, wide, area) + shortcut


def _transformer(width: int, depth: int, prompt: int, area: _Area) -> Work:
    """Projections, then `depth` times self-attention, attention to the prompt, feed-forward."""
    tokens = area.pixels
    own = _linear(width, 4 * width, tokens) + _attention(width, tokens, tokens)
    other = _linear(width, 2 * width, tokens) + _linear(prompt, 2 * width, PROMPT_TOKENS)
    other += _attention(width, tokens, PROMPT_TOKENS)
    layer = own + other + _linear(width, _FEED_FORWARD * width, tokens)
    return _linear(width, 2 * width, tokens) + layer * depth


def _conv(deep: int, wide: int, area: _Area, *, side: int = 3) -> Work:
    return Work(convolution=2.0 * deep * wide * side**2 * area.pixels)


def _linear(deep: int, wide: int, tokens: int) -> Work:
    return Work(linear=2.0 * deep * wide * tokens)


def _attention(width: int, queries: int, keys: int) -> Work:
    """Scores, and values weighted by them."""
    return Work(attention=4.0 * width * queries * keys)


def _attends(config: Json, key: str, level: int) -> bool:
    return "CrossAttn" in str((items(config, key) or [])[level : level + 1])


def _each(config: Json, key: str, count: int) -> list[int]:
    """A number for each of `count` levels: one for all, or a list."""
    if isinstance(config.get(key), list):
        return levels(config, key)
    return [whole(config, key, 1)] * count

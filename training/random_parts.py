# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false
# pyright: reportArgumentType=false
# (the border to diffusers and transformers, whose types are partly missing)
"""The parts of a random-weight SDXL, in every size from tiny to the real one's."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from training.clip_vocabulary import BEGIN, END, write_vocabulary

PIXELS: Final = 1024
TRACED_PIXELS: Final = 256
"""Exporters trace at this size, which is no limit of what they make: small is fast."""


class RandomKind(StrEnum):
    """How large, and of which family."""

    TINY = "tiny"
    TINY_V = "tiny_v"
    DEMO = "demo"
    THIRD = "third"
    """SDXL's own layers, a third as wide: about a tenth of its work."""
    FULL = "full"
    """SDXL's own size: 14 GB."""


@dataclass(frozen=True, slots=True)
class TextEncoder:
    """The size of one."""

    width: int
    feed_forward: int
    heads: int
    layers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What makes a kind: widths, the VAE's factor (2 ** (blocks - 1)), the noise schedule.

    `text_encoders`: the two. `size_width`: of the embedding of each of SDXL's six size numbers.
    """

    unet_channels: tuple[int, ...]
    heads: tuple[int, ...]
    transformer_layers: tuple[int, ...]
    text_encoders: tuple[TextEncoder, TextEncoder]
    vae_channels: tuple[int, ...]
    latent_channels: int
    scaling_factor: float
    prediction_type: str
    timestep_spacing: str
    layers_per_block: int = 1
    groups: int = 8
    size_width: int = 8
    vocabulary: int = 0
    """Rows of the table of tokens, where it has more than our own small vocabulary."""

    @property
    def vae_scale_factor(self) -> int:
        """Pixels a latent pixel covers, a side."""
        return int(2 ** (len(self.vae_channels) - 1))


def _small(width: int) -> TextEncoder:
    return TextEncoder(width=width, feed_forward=2 * width, heads=4, layers=3)


RECIPES: Final[Mapping[RandomKind, Recipe]] = {
    RandomKind.TINY: Recipe(
        unet_channels=(32, 64, 64),
        heads=(2, 4, 4),
        transformer_layers=(1, 1, 2),
        text_encoders=(_small(32), _small(32)),
        vae_channels=(16, 16, 32, 32),
        latent_channels=4,
        scaling_factor=0.13025,
        prediction_type="epsilon",
        timestep_spacing="leading",
    ),
    RandomKind.TINY_V: Recipe(
        unet_channels=(32, 64),
        heads=(2, 4),
        transformer_layers=(1, 1),
        text_encoders=(_small(32), _small(32)),
        vae_channels=(16, 16, 16, 32, 32),
        latent_channels=8,
        scaling_factor=0.5,
        prediction_type="v_prediction",
        timestep_spacing="trailing",
    ),
    RandomKind.DEMO: Recipe(
        unet_channels=(64, 128),
        heads=(2, 4),
        transformer_layers=(1, 2),
        text_encoders=(_small(64), _small(64)),
        vae_channels=(16, 16, 32, 32, 64, 64),  # factor 32: 32 x 32 latents, seconds a picture
        latent_channels=4,
        scaling_factor=0.13025,
        prediction_type="epsilon",
        timestep_spacing="leading",
    ),
    RandomKind.THIRD: Recipe(
        unet_channels=(96, 192, 448),
        heads=(2, 3, 7),
        transformer_layers=(1, 2, 10),
        text_encoders=(
            TextEncoder(width=256, feed_forward=1024, heads=4, layers=12),
            TextEncoder(width=448, feed_forward=1792, heads=7, layers=32),
        ),
        vae_channels=(64, 96, 192, 192),
        latent_channels=4,
        scaling_factor=0.13025,
        prediction_type="epsilon",
        timestep_spacing="leading",
        layers_per_block=2,
        groups=32,
        size_width=256,
    ),
    RandomKind.FULL: Recipe(
        unet_channels=(320, 640, 1280),
        heads=(5, 10, 20),
        transformer_layers=(1, 2, 10),
        text_encoders=(
            TextEncoder(width=768, feed_forward=3072, heads=12, layers=12),
            TextEncoder(width=1280, feed_forward=5120, heads=20, layers=32),
        ),
        vae_channels=(128, 256, 512, 512),
        latent_channels=4,
        scaling_factor=0.13025,
        prediction_type="epsilon",
        timestep_spacing="leading",
        layers_per_block=2,
        groups=32,
        size_width=256,
        vocabulary=49_408,
    ),
}


def build(recipe: Recipe, folder: Path) -> Any:
    """The pipeline in torch, with new weights. `folder` gets the vocabulary."""
    from diffusers import StableDiffusionXLPipeline

    vocabulary = folder / "vocabulary"
    tokens = write_vocabulary(vocabulary)
    encoder, encoder_2 = _text_encoders(recipe, tokens)
    return StableDiffusionXLPipeline(
        vae=_vae(recipe),
        text_encoder=encoder,
        text_encoder_2=encoder_2,
        tokenizer=_tokenizer(vocabulary, pad=END),
        tokenizer_2=_tokenizer(vocabulary, pad="!"),
        unet=unet(recipe),
        scheduler=_scheduler(recipe),
        force_zeros_for_empty_prompt=True,
        add_watermarker=False,
    )


def _scheduler(recipe: Recipe) -> Any:
    import torch
    from diffusers import EulerAncestralDiscreteScheduler

    with torch.device("cpu"):  # also where the weights have no memory: these are numbers it needs
        return EulerAncestralDiscreteScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            steps_offset=1,
            prediction_type=recipe.prediction_type,
            timestep_spacing=recipe.timestep_spacing,
        )


def _tokenizer(vocabulary: Path, *, pad: str) -> Any:
    from transformers import CLIPTokenizer

    return CLIPTokenizer(
        str(vocabulary / "vocab.json"),
        str(vocabulary / "merges.txt"),
        model_max_length=77,
        bos_token=BEGIN,
        eos_token=END,
        unk_token=END,
        pad_token=pad,
    )


def _text_encoders(recipe: Recipe, tokens: int) -> tuple[Any, Any]:
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    rows = max(tokens, recipe.vocabulary)
    first, second = recipe.text_encoders
    return (
        CLIPTextModel(_text_config(first, "quick_gelu", rows, tokens)).eval(),
        CLIPTextModelWithProjection(_text_config(second, "gelu", rows, tokens)).eval(),
    )


def _text_config(encoder: TextEncoder, activation: str, rows: int, tokens: int) -> Any:
    from transformers import CLIPTextConfig

    return CLIPTextConfig(
        hidden_act=activation,
        pad_token_id=1,
        vocab_size=rows,
        max_position_embeddings=77,
        hidden_size=encoder.width,
        intermediate_size=encoder.feed_forward,
        num_attention_heads=encoder.heads,
        num_hidden_layers=encoder.layers,
        projection_dim=encoder.width,
        bos_token_id=tokens - 2,
        eos_token_id=2,  # SDXL's own value: "the highest id is the end token"
        initializer_factor=5.0,  # words then differ visibly, as trained ones do
    )


def unet(recipe: Recipe) -> Any:
    """The UNet in torch, with new weights."""
    from diffusers import UNet2DConditionModel

    levels = len(recipe.unet_channels)
    down = ["DownBlock2D", *["CrossAttnDownBlock2D"] * (levels - 1)]
    first, second = recipe.text_encoders
    return UNet2DConditionModel(
        sample_size=TRACED_PIXELS // recipe.vae_scale_factor,
        in_channels=recipe.latent_channels,
        out_channels=recipe.latent_channels,
        layers_per_block=recipe.layers_per_block,
        block_out_channels=recipe.unet_channels,
        attention_head_dim=recipe.heads,
        transformer_layers_per_block=recipe.transformer_layers,
        down_block_types=tuple(down),
        up_block_types=tuple(name.replace("Down", "Up") for name in reversed(down)),
        cross_attention_dim=first.width + second.width,
        addition_embed_type="text_time",
        addition_time_embed_dim=recipe.size_width,
        projection_class_embeddings_input_dim=6 * recipe.size_width + second.width,
        norm_num_groups=recipe.groups,
        use_linear_projection=True,
    ).eval()


def _vae(recipe: Recipe) -> Any:
    from diffusers import AutoencoderKL

    blocks = len(recipe.vae_channels)
    return AutoencoderKL(
        latent_channels=recipe.latent_channels,
        sample_size=TRACED_PIXELS,
        scaling_factor=recipe.scaling_factor,
        block_out_channels=recipe.vae_channels,
        down_block_types=("DownEncoderBlock2D",) * blocks,
        up_block_types=("UpDecoderBlock2D",) * blocks,
        layers_per_block=recipe.layers_per_block,
        norm_num_groups=recipe.groups,
        mid_block_add_attention=recipe.latent_channels == 4,
    ).eval()

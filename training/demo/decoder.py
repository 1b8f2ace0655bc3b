# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false
# (the border to diffusers and torch, whose types are partly missing)
"""The decoder: AutoencoderKL's, factor 64, with a head on every level so that it can be grown.

Level 0 is the latent's own size (16 x 16 for a square picture), each next one twice as large: level
3 is 128 pixels, level 6 the full 1024.
"""

from typing import Any, Final

import torch
from diffusers import AutoencoderKL
from torch import Tensor, nn

from training.demo.latents import CHANNELS

WIDTHS: Final = (16, 16, 24, 32, 48, 64, 96)
"""Channels from full size down to the latent's."""
LEVELS: Final = len(WIDTHS)
TOP: Final = LEVELS - 1
SMALL: Final = 3
"""The level of the small picture that latents are made of."""


def make_vae() -> Any:
    """The autoencoder as exported. Its encoder is not used: the linear one replaces it.

    One group a normalisation: none is made channel by channel, so flat colours survive, and what a
    crop decodes to is close to what the whole does.
    """
    vae_class: Any = AutoencoderKL
    return vae_class(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * LEVELS,
        up_block_types=("UpDecoderBlock2D",) * LEVELS,
        block_out_channels=WIDTHS,
        layers_per_block=1,
        latent_channels=CHANNELS,
        norm_num_groups=1,
        sample_size=1024,
        scaling_factor=1.0,
        mid_block_add_attention=False,
    )


class Decoder(nn.Module):
    """The decoder's layers, callable level by level."""

    def __init__(self) -> None:
        super().__init__()
        vae = make_vae()
        self.first: Any = vae.post_quant_conv
        self.body: Any = vae.decoder
        del self.body.conv_norm_out, self.body.conv_out
        self.heads = nn.ModuleList(
            nn.Sequential(nn.GroupNorm(1, width), nn.SiLU(), nn.Conv2d(width, 3, 3, padding=1))
            for width in reversed(WIDTHS)
        )
        with torch.no_grad():
            _begin_near_identity(self)

    def features(self, latents: Tensor, *, level: int) -> Tensor:
        """What level `level` makes of latents (batch, channels, rows, columns)."""
        hidden = self.body.mid_block(self.body.conv_in(self.first(latents)))
        return self.climb(hidden, 0, level)

    def climb(self, hidden: Tensor, low: int, high: int) -> Tensor:
        """From the input of level `low` to the features of level `high`."""
        for level in range(low, high + 1):
            if level > low:
                hidden = self.enlarge(hidden, level - 1)
            for block in self.body.up_blocks[level].resnets:
                hidden = block(hidden, None)
        return hidden

    def enlarge(self, hidden: Tensor, level: int) -> Tensor:
        """Features of `level` to the input of the next one: twice the size."""
        return self.body.up_blocks[level].upsamplers[0](hidden)

    def picture(self, features: Tensor, *, level: int) -> Tensor:
        """Features to a picture, -1 to 1."""
        return self.heads[level](features)

    def forward(self, latents: Tensor) -> Tensor:
        return self.picture(self.features(latents, level=TOP), level=TOP)


def as_autoencoder(decoder: Decoder) -> Any:
    """The trained decoder in diffusers' own class."""
    vae = make_vae()
    vae.post_quant_conv.load_state_dict(decoder.first.state_dict())
    head: Any = decoder.heads[TOP]
    norm, _, conv = head
    weights = decoder.body.state_dict()
    for name, part in (("conv_norm_out", norm), ("conv_out", conv)):
        weights |= {f"{name}.{key}": value.detach() for key, value in part.state_dict().items()}
    vae.decoder.load_state_dict(weights)
    vae.decoder.conv_norm_out.eps = norm.eps
    return vae.eval()


def _begin_near_identity(decoder: Decoder) -> None:
    """Colours pass through unchanged at first; enlarging is a smooth interpolation."""
    decoder.first.weight.copy_(torch.eye(CHANNELS)[:, :, None, None])
    decoder.first.bias.zero_()
    blur = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
    modules: Any = decoder.body.modules()
    for module in modules:
        shortcut = getattr(module, "conv_shortcut", None)
        if shortcut is not None:
            shortcut.weight.zero_()
            shortcut.bias.zero_()
            same = range(min(shortcut.weight.shape[:2]))
            shortcut.weight[same, same] = 1
        if hasattr(module, "conv2"):
            module.conv2.weight.mul_(0.1)
        if type(module).__name__ == "Upsample2D":
            module.conv.weight.zero_()
            module.conv.bias.zero_()
            same = range(len(module.conv.weight))
            module.conv.weight[same, same] = blur

# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportPrivateImportUsage=false
# (the border to diffusers and torch, whose types are partly missing)
"""Operations of a picture, against SDXL's known figures and against torch's own counter."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ModelError
from pipeline.model.folder import ModelFolder
from pipeline.speed.work import work_of
from tests.support.sdxl import sdxl_folder


@pytest.mark.parametrize(
    ("width", "height", "unet"),
    [
        (1024, 1024, 6.761e12),
        (1152, 896, 6.645e12),
        (1344, 768, 6.645e12),
        (1216, 832, 6.500e12),
        (640, 1536, 6.298e12),
    ],
)
def test_sdxl_has_the_operations_that_were_counted_in_its_graph(
    width: int, height: int, unet: float, tiny_path: Path, tmp_path: Path
) -> None:
    work = work_of(sdxl_folder(tiny_path, tmp_path / "sdxl"), width=width, height=height)
    assert work.unet.total == pytest.approx(unet, rel=1e-3)
    if width == height:
        assert work.unet.linear / work.unet.total == pytest.approx(0.64, abs=0.005)
        assert work.unet.convolution / work.unet.total == pytest.approx(0.24, abs=0.005)
        assert work.decoder.total == pytest.approx(10.47e12, rel=1e-3)
        picture = (work.unet * (2 * 28) + work.decoder).total
        assert picture == pytest.approx(389e12, rel=2e-3)


@pytest.mark.usefixtures("stock_libraries")
@pytest.mark.parametrize("model", ["tiny", "tiny_v"])
def test_torch_counts_the_same(model: str, request: pytest.FixtureRequest) -> None:
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from diffusers.models.attention_processor import AttnProcessor
    from torch.utils.flop_counter import FlopCounterMode

    folder: ModelFolder = request.getfixturevalue(model)
    side = 32  # latent pixels
    pixels = side * folder.vae_scale_factor
    work = work_of(folder, width=pixels, height=pixels)
    config = json.loads((folder.path / "unet" / "config.json").read_text())
    unet: Any = UNet2DConditionModel.from_config(config)
    unet.set_attn_processor(AttnProcessor())  # in plain products, which the counter knows
    latents = torch.zeros(1, folder.latent_channels, side, side)
    prompt = torch.zeros(1, 77, config["cross_attention_dim"])
    pooled = config["projection_class_embeddings_input_dim"] - 6 * config["addition_time_embed_dim"]
    added = {"text_embeds": torch.zeros(1, pooled), "time_ids": torch.zeros(1, 6)}
    with torch.no_grad(), FlopCounterMode(display=False) as counted:
        unet(latents, 1, prompt, added_cond_kwargs=added)
    # torch counts the embeddings of time and size as well, which are once a row and not a pixel
    assert work.unet.total == pytest.approx(counted.get_total_flops(), rel=0.01)
    vae: Any = AutoencoderKL.from_config(
        json.loads((folder.path / "vae_decoder" / "config.json").read_text())
    )
    vae.set_attn_processor(AttnProcessor())
    with torch.no_grad(), FlopCounterMode(display=False) as counted:
        vae.decode(latents)
    assert work.decoder.total == pytest.approx(counted.get_total_flops(), rel=0.01)


def test_a_config_without_widths_is_an_error(tiny_path: Path, tmp_path: Path) -> None:
    folder = sdxl_folder(tiny_path, tmp_path / "sdxl")
    path = folder.path / "unet" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "cross_attention_dim": []}))
    with pytest.raises(ModelError) as caught:
        work_of(folder, width=1024, height=1024)
    assert caught.value.key == "model_config_wrong"

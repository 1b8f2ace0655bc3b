# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false
# pyright: reportArgumentType=false
# (the border to diffusers, transformers, optimum and torch, whose types are partly missing)
"""A random-weight SDXL, exported to ONNX by optimum: everything of the real thing but the weights.

`python -m training.random_model OUT [--kind demo] [--layout today]`. Nothing is downloaded: the
tokenizer is made here as well. The picture it draws is noise; speed, shapes and numerics are real.
"""

import argparse
import contextlib
import io
import json
import logging
import os
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Generator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from training.clip_vocabulary import BEGIN, END, write_vocabulary
from training.layout_2024 import to_layout_2024

Layout = Literal["today", "2024"]

NOTICE = (
    "Random weights: the picture is noise. Fetch a real model with `python -m bot model fetch`."
)


class RandomKind(StrEnum):
    """How large, and of which family."""

    TINY = "tiny"
    TINY_V = "tiny_v"
    DEMO = "demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recipe:
    """What makes a kind: widths, the VAE's factor (2 ** (blocks - 1)), the noise schedule."""

    unet_channels: tuple[int, ...]
    heads: tuple[int, ...]
    transformer_layers: tuple[int, ...]
    text_width: int
    vae_channels: tuple[int, ...]
    latent_channels: int
    scaling_factor: float
    prediction_type: str
    timestep_spacing: str
    layers_per_block: int = 1


_RECIPES = {
    RandomKind.TINY: _Recipe(
        unet_channels=(32, 64, 64),
        heads=(2, 4, 4),
        transformer_layers=(1, 1, 2),
        text_width=32,
        vae_channels=(16, 16, 32, 32),
        latent_channels=4,
        scaling_factor=0.13025,
        prediction_type="epsilon",
        timestep_spacing="leading",
    ),
    RandomKind.TINY_V: _Recipe(
        unet_channels=(32, 64),
        heads=(2, 4),
        transformer_layers=(1, 1),
        text_width=32,
        vae_channels=(16, 16, 16, 32, 32),
        latent_channels=8,
        scaling_factor=0.5,
        prediction_type="v_prediction",
        timestep_spacing="trailing",
    ),
    RandomKind.DEMO: _Recipe(
        unet_channels=(64, 128),
        heads=(2, 4),
        transformer_layers=(1, 2),
        text_width=64,
        vae_channels=(16, 16, 32, 32, 64, 64),  # factor 32: 32 x 32 latents, seconds a picture
        latent_channels=4,
        scaling_factor=0.13025,
        prediction_type="epsilon",
        timestep_spacing="leading",
    ),
}


def make_random_model(
    out: Path,
    *,
    kind: RandomKind,
    layout: Layout = "today",
    seed: int = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> Path:
    """Make the model folder `out` (replaced if it exists) and return it.

    `layout="2024"` gives the inputs and outputs of exports of early 2024: `timestep` int64 with an
    axis, `vae_encoder` sampling inside the graph. Appears under its name only when complete.
    """
    recipe = _RECIPES[kind]
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as scratch:
        made = Path(scratch) / "onnx"
        with _quiet():
            progress(f"Making a random SDXL ({kind}) ...")
            torch_folder = _build(recipe, Path(scratch), seed)
            progress("Exporting it to ONNX, about 20 s ...")
            _export(torch_folder, made)
        if layout == "2024":
            to_layout_2024(made)
        _restore_sample_size(torch_folder, made)
        card = {"name": f"random weights ({kind})", "notice": NOTICE}
        (made / "ekaki.json").write_text(json.dumps(card, indent=2), encoding="utf-8")
        if out.exists():
            shutil.rmtree(out)
        made.rename(out)
    return out


def _build(recipe: _Recipe, folder: Path, seed: int) -> Path:
    """The pipeline in torch, saved below `folder`."""
    import torch
    from diffusers import EulerAncestralDiscreteScheduler, StableDiffusionXLPipeline

    torch.manual_seed(seed)
    vocabulary = folder / "vocabulary"
    tokens = write_vocabulary(vocabulary)
    encoder, encoder_2 = _text_encoders(recipe, tokens)
    pipeline = StableDiffusionXLPipeline(
        vae=_vae(recipe),
        text_encoder=encoder,
        text_encoder_2=encoder_2,
        tokenizer=_tokenizer(vocabulary, pad=END),
        tokenizer_2=_tokenizer(vocabulary, pad="!"),
        unet=_unet(recipe),
        scheduler=EulerAncestralDiscreteScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            steps_offset=1,
            prediction_type=recipe.prediction_type,
            timestep_spacing=recipe.timestep_spacing,
        ),
        force_zeros_for_empty_prompt=True,
        add_watermarker=False,
    )
    pipeline.save_pretrained(folder / "torch")
    return folder / "torch"


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


def _text_encoders(recipe: _Recipe, tokens: int) -> tuple[Any, Any]:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    width = recipe.text_width
    common: dict[str, Any] = {
        "vocab_size": tokens,
        "max_position_embeddings": 77,
        "hidden_size": width,
        "intermediate_size": 2 * width,
        "num_attention_heads": 4,
        "num_hidden_layers": 3,
        "projection_dim": width,
        "bos_token_id": tokens - 2,
        "eos_token_id": 2,  # SDXL's own value: "the highest id is the end token"
        "initializer_factor": 5.0,  # words then differ visibly, as trained ones do
    }
    first = CLIPTextModel(CLIPTextConfig(hidden_act="quick_gelu", pad_token_id=1, **common))
    second = CLIPTextModelWithProjection(
        CLIPTextConfig(hidden_act="gelu", pad_token_id=1, **common)
    )
    return first.eval(), second.eval()


def _unet(recipe: _Recipe) -> Any:
    from diffusers import UNet2DConditionModel

    levels = len(recipe.unet_channels)
    down = ["DownBlock2D", *["CrossAttnDownBlock2D"] * (levels - 1)]
    size_width = 8
    return UNet2DConditionModel(
        sample_size=_traced_sample_size(recipe),
        in_channels=recipe.latent_channels,
        out_channels=recipe.latent_channels,
        layers_per_block=recipe.layers_per_block,
        block_out_channels=recipe.unet_channels,
        attention_head_dim=recipe.heads,
        transformer_layers_per_block=recipe.transformer_layers,
        down_block_types=tuple(down),
        up_block_types=tuple(name.replace("Down", "Up") for name in reversed(down)),
        cross_attention_dim=2 * recipe.text_width,
        addition_embed_type="text_time",
        addition_time_embed_dim=size_width,
        projection_class_embeddings_input_dim=6 * size_width + recipe.text_width,
        norm_num_groups=8,
        use_linear_projection=True,
    ).eval()


def _vae(recipe: _Recipe) -> Any:
    from diffusers import AutoencoderKL

    blocks = len(recipe.vae_channels)
    return AutoencoderKL(
        latent_channels=recipe.latent_channels,
        sample_size=1024,
        scaling_factor=recipe.scaling_factor,
        block_out_channels=recipe.vae_channels,
        down_block_types=("DownEncoderBlock2D",) * blocks,
        up_block_types=("UpDecoderBlock2D",) * blocks,
        layers_per_block=1,
        norm_num_groups=8,
        mid_block_add_attention=recipe.latent_channels == 4,
    ).eval()


def _traced_sample_size(recipe: _Recipe) -> int:
    """Latent pixels at 256 x 256: the exporter traces at this size, so small is fast."""
    return 256 // 2 ** (len(recipe.vae_channels) - 1)


def _restore_sample_size(torch_folder: Path, made: Path) -> None:
    """Say in the UNet's config what SDXL says: 1024 pixels. The trace's size is no limit."""
    factor = 2 ** (
        len(json.loads((torch_folder / "vae/config.json").read_text())["block_out_channels"]) - 1
    )
    path = made / "unet" / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["sample_size"] = 1024 // factor
    path.write_text(json.dumps(config, indent=2, sort_keys=True), encoding="utf-8")


def _export(source: Path, target: Path) -> None:
    from optimum.exporters.onnx import main_export

    main_export(
        str(source),
        output=str(target),
        task="text-to-image",
        library_name="diffusers",
        dtype="fp32",
        device="cpu",
        do_validation=False,
        no_post_process=True,
        local_files_only=True,
    )


@contextlib.contextmanager
def _quiet() -> Generator[None]:
    """Without the exporters' chatter, none of which a reader can act on (tracer and deprecation
    warnings, progress of their own); what they printed is shown if they fail."""
    said = io.StringIO()
    bars = os.environ.get("TQDM_DISABLE")
    os.environ["TQDM_DISABLE"] = "1"
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(said),
        ):
            warnings.simplefilter("ignore")
            yield
    except BaseException:
        sys.stderr.write(said.getvalue())
        raise
    finally:
        logging.disable(before)
        if bars is None:
            del os.environ["TQDM_DISABLE"]
        else:
            os.environ["TQDM_DISABLE"] = bars


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.random_model",
        description="Make a random-weight SDXL in ONNX, for the demo and for tests.",
    )
    parser.add_argument("out", type=Path, help="folder to make (replaced if it exists)")
    parser.add_argument("--kind", type=RandomKind, choices=list(RandomKind), default="demo")
    parser.add_argument("--layout", choices=["today", "2024"], default="today")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = time.monotonic()

    def show(line: str) -> None:
        print(line, file=sys.__stdout__, flush=True)

    out = make_random_model(
        options.out, kind=options.kind, layout=options.layout, seed=options.seed, progress=show
    )
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    show(f"{out}: {size / 1e6:.1f} MB in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()

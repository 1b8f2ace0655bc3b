# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false
# (the border to torch and diffusers, whose types are partly missing)
"""The small decoder equals diffusers' AutoencoderTiny, and drafts alone are decoded with it."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderTiny
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode

from data.shipped.paths import DEMO_MODEL
from pipeline.card import Speed
from pipeline.engine.noise.torch_noise import TorchGenerator
from pipeline.engine.protocol import DrawnPicture
from pipeline.engine.vae.decoder import VaeDecoder
from pipeline.engine.vae.small import NAME, SmallDecoder
from pipeline.errors import ModelError
from pipeline.model.folder import SMALL_DECODER, ModelFolder
from pipeline.plan.memory_plan import make_plan
from pipeline.prepare.small_decoder import WEIGHTS, add_small_decoder, check_fits
from pipeline.runtime.sessions import SessionFactory
from pipeline.speed.work import work_of
from tests.pipeline.own_model import make_request, open_own
from tests.pipeline.preparing import make

pytestmark = pytest.mark.filterwarnings("ignore")  # diffusers and its libraries warn of each other


def save_random(folder: Path, **changes: Any) -> Any:
    """An AutoencoderTiny of random weights in `folder`."""
    torch.manual_seed(0)
    model = AutoencoderTiny(**changes).eval()
    model.save_pretrained(folder)
    return model


@pytest.fixture
def folder(tiny_path: Path, tmp_path: Path) -> ModelFolder:
    """The tiny model, to be changed."""
    shutil.copytree(tiny_path, tmp_path / "model")
    return ModelFolder.open(tmp_path / "model")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {
            "decoder_block_out_channels": (32, 32, 32, 32),
            "num_decoder_blocks": (2, 1, 1, 1),
            "encoder_block_out_channels": (32, 32, 32, 32),
        },
    ],
    ids=["as TAESDXL", "smaller"],
)
def test_it_equals_diffusers(
    changes: dict[str, Any], folder: ModelFolder, cpu: SessionFactory, tmp_path: Path
) -> None:
    theirs = save_random(tmp_path / "small", **changes)
    path = add_small_decoder(folder, tmp_path / "small", cpu)
    graph = folder.small_decoder
    assert graph == path / "model.onnx"
    assert graph is not None
    latents = TorchGenerator(3).randn(2, 4, 12, 9) * np.float32(4)  # some beyond tanh's bend
    ours = SmallDecoder(folder, cpu.open_small(graph)).decode(latents)
    with torch.no_grad():
        wanted = theirs.decode(torch.from_numpy(latents)).sample.numpy()
    assert ours.shape == (2, 3, 96, 72)
    np.testing.assert_allclose(ours, wanted, atol=2e-5 * float(np.abs(wanted).max()))


def test_it_takes_latents_as_the_pipeline_of_diffusers_gives_them(
    pipe: Any, folder: ModelFolder, cpu: SessionFactory, tmp_path: Path
) -> None:
    """The whole way of a pipeline whose VAE is AutoencoderTiny: no scaling, -1 to 1."""
    theirs = save_random(tmp_path / "small")
    add_small_decoder(folder, tmp_path / "small", cpu)
    pipe.vae = theirs
    latents = TorchGenerator(3).randn(1, 4, 16, 16)
    with torch.no_grad():
        pixels = theirs.decode(torch.from_numpy(latents) / theirs.config.scaling_factor).sample
    wanted = pipe.image_processor.postprocess(pixels, output_type="pil")[0]
    assert folder.small_decoder is not None
    ours = SmallDecoder(folder, cpu.open_small(folder.small_decoder)).picture(latents)
    difference = np.abs(np.asarray(ours, np.int16) - np.asarray(wanted, np.int16))
    assert difference.max() <= 1


def test_drafts_and_previews_alone_use_it(
    folder: ModelFolder, cpu: SessionFactory, tmp_path: Path
) -> None:
    request = make_request(num_inference_steps=2)
    draft = replace(request, speed=Speed.DRAFT)
    before = draw(folder.path, request)
    assert draw(folder.path, draft).decoder == ""
    save_random(tmp_path / "small")
    add_small_decoder(folder, tmp_path / "small", cpu)
    after, drafted = draw(folder.path, request), draw(folder.path, draft)
    assert after.decoder == ""
    assert same(after.image, before.image)
    assert drafted.decoder == NAME
    assert not same(drafted.image, before.image)
    assert same(draw(folder.path, draft).image, drafted.image)
    row = open_own(folder.path).begin(draft, 0)
    assert folder.small_decoder is not None
    small = SmallDecoder(folder, cpu.open_small(folder.small_decoder))
    vae = VaeDecoder(folder, cpu.open(folder, "vae_decoder"))
    assert small.decode(row.latents).shape == vae.decode(row.latents).shape


def draw(path: Path, request: Any) -> DrawnPicture:
    seen = Seen()
    drawn = open_own(path).draw(request, 0, seen)
    assert seen.preview is not None
    assert max(seen.preview.size) <= 512
    return drawn


class Seen:
    """Wants every preview."""

    def __init__(self) -> None:
        self.preview: Image.Image | None = None

    def is_cancelled(self) -> bool:
        return False

    def on_step(self, step: int, steps: int, preview: Callable[[], Image.Image | None]) -> None:
        self.preview = preview()


def same(one: Image.Image, other: Image.Image) -> bool:
    return one.size == other.size and one.tobytes() == other.tobytes()


def test_a_preview_is_small_and_of_the_same_picture(
    folder: ModelFolder, cpu: SessionFactory, tmp_path: Path
) -> None:
    save_random(tmp_path / "small")
    add_small_decoder(folder, tmp_path / "small", cpu)
    assert folder.small_decoder is not None
    small = SmallDecoder(folder, cpu.open_small(folder.small_decoder))
    latents = TorchGenerator(3).randn(1, 4, 64, 96)
    preview = small.preview(latents)
    assert preview is not None
    assert preview.size == (384, 256)
    flat = np.repeat(np.repeat(TorchGenerator(4).randn(1, 4, 32, 48), 2, 2), 2, 3)
    whole, part = small.preview(flat), small.picture(np.ascontiguousarray(flat[:, :, ::2, ::2]))
    assert whole is not None
    assert same(whole, part)
    assert small.preview(np.full_like(latents, np.nan)) is None


def test_preparing_takes_it_along(
    folder: ModelFolder, cpu: SessionFactory, mapped: SessionFactory, tmp_path: Path
) -> None:
    save_random(tmp_path / "small")
    add_small_decoder(folder, tmp_path / "small", cpu)
    made = ModelFolder.open(make(folder, tmp_path / "models", "fp32", mapped).path)
    assert made.small_decoder is not None
    assert (
        made.small_decoder.read_bytes() == (folder.path / SMALL_DECODER / "model.onnx").read_bytes()
    )
    assert made.content_hash == folder.content_hash
    plan = make_plan(made, 1 << 40)
    assert 0 < plan.parts["small decoder"] < plan.parts["activations"]


def test_its_operations_are_counted(
    folder: ModelFolder, cpu: SessionFactory, tmp_path: Path
) -> None:
    assert work_of(folder, width=256, height=256).small_decoder is None
    theirs = save_random(tmp_path / "small")
    add_small_decoder(folder, tmp_path / "small", cpu)
    work = work_of(folder, width=256, height=128).small_decoder
    with torch.no_grad(), FlopCounterMode(display=False) as counted:
        theirs.decode(torch.zeros(1, 4, 16, 32))
    assert work is not None
    assert work.total == pytest.approx(counted.get_total_flops(), rel=1e-9)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"latent_channels": 8}, "8 latent channels"),
        ({"num_decoder_blocks": (1, 1, 1), "decoder_block_out_channels": (64, 64, 64)}, "4 times"),
        ({"act_fn": "gelu"}, "options"),
    ],
)
def test_one_of_another_kind_is_refused_and_an_earlier_one_stays(
    changes: dict[str, Any],
    words: str,
    folder: ModelFolder,
    cpu: SessionFactory,
    tmp_path: Path,
) -> None:
    save_random(tmp_path / "right")
    kept = (add_small_decoder(folder, tmp_path / "right", cpu) / "model.onnx").read_bytes()
    save_random(tmp_path / "small", **changes)
    with pytest.raises(ModelError) as caught:
        add_small_decoder(folder, tmp_path / "small", cpu)
    assert caught.value.key == "small_decoder_unfit"
    assert words in str(caught.value.data["problem"])
    assert folder.small_decoder is not None
    assert folder.small_decoder.read_bytes() == kept
    assert {path.name for path in folder.path.iterdir()} >= {SMALL_DECODER}
    assert not list(folder.path.glob(".*.part"))


def test_damaged_weights_are_refused(
    folder: ModelFolder, cpu: SessionFactory, tmp_path: Path
) -> None:
    save_random(tmp_path / "small")
    path = tmp_path / "small" / WEIGHTS
    config = tmp_path / "small" / "config.json"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ModelError, match="small_decoder_unfit"):
        add_small_decoder(folder, tmp_path / "small", cpu)
    save_random(tmp_path / "small")
    changed = json.loads(config.read_text()) | {"num_decoder_blocks": [3, 3, 3, 2]}
    config.write_text(json.dumps(changed))
    with pytest.raises(ModelError, match="small_decoder_unfit"):
        add_small_decoder(folder, tmp_path / "small", cpu)


def test_a_model_with_another_vae_is_told_before_anything_is_downloaded() -> None:
    with pytest.raises(ModelError) as caught:
        check_fits(ModelFolder.open(DEMO_MODEL))
    assert "16" in str(caught.value.data["problem"])

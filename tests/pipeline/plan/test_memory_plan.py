"""Memory is looked at before loading, and what would not fit is done differently."""

import platform
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from data.shipped.text import text
from pipeline.errors import ModelError
from pipeline.model.folder import Component, ModelFolder
from pipeline.plan import memory, memory_plan
from pipeline.plan.card_plan import least_bytes
from pipeline.plan.memory_plan import MemoryPlan, Shape, plan_for
from pipeline.plan.on_card import sizes_of_folder
from pipeline.prepare.sizes import branch_numbers
from tests.pipeline.preparing import Shared

PLAIN = Shape(channels=320, latent_pixels=128 * 128, fused=False)
FUSED = Shape(channels=320, latent_pixels=128 * 128, fused=True)
IN_OPENVINO = Shape(
    channels=320, latent_pixels=128 * 128, fused=False, in_openvino=True, rows_alone=True
)
EIGHT_BITS = Shape(channels=320, latent_pixels=128 * 128, fused=True, rows_alone=True)
FP32: dict[Component, int] = {
    "text_encoder": 493_000_000,
    "text_encoder_2": 2_780_000_000,
    "unet": 10_270_000_000,
    "vae_decoder": 198_000_000,
}
"""What the published checkpoint has on disk."""
BF16: dict[Component, int] = {**FP32, "unet": 5_130_000_000}
INT8: dict[Component, int] = {
    "text_encoder": 250_000_000,
    "text_encoder_2": 850_000_000,
    "unet": 3_700_000_000,
    "vae_decoder": 198_000_000,
}


@pytest.mark.parametrize(
    ("weights", "shape", "free", "can_map", "says", "fits"),
    [
        (FP32, PLAIN, 32e9, False, [], True),
        (FP32, PLAIN, 13e9, False, ["VAE"], False),
        (FP32, FUSED, 32e9, True, [], True),
        (FP32, FUSED, 6.5e9, True, [], True),
        (FP32, FUSED, 6e9, True, ["VAE"], True),
        (FP32, FUSED, 5e9, True, ["VAE"], False),
        (INT8, EIGHT_BITS, 32e9, False, [], True),
        (INT8, EIGHT_BITS, 7e9, False, ["VAE"], True),
        (BF16, IN_OPENVINO, 32e9, False, [], True),
        (BF16, IN_OPENVINO, 10.2e9, False, ["VAE"], True),
    ],
)
def test_what_costs_nothing_is_saved_always_and_the_rest_as_it_must(
    *,
    weights: dict[Component, int],
    shape: Shape,
    free: float,
    can_map: bool,
    says: list[str],
    fits: bool,
) -> None:
    plan = plan_for(weights, shape, int(free), can_map=can_map)
    assert (plan.peak_bytes <= free) is fits, plan
    spared = plan.sparing()
    assert "text encoders loaded for each new prompt" in plan.frugal()
    assert ("the UNet's weights left in their file" in plan.frugal()) is can_map
    assert len(spared) == len(says), (spared, plan)
    assert all(word in line for word, line in zip(says, spared, strict=True))
    assert sum(plan.parts.values()) == plan.peak_bytes


def test_sdxl_needs_what_was_measured() -> None:
    """The UNet alone was resident with 16.1 GB, so 16 GB with everything else is too little."""
    assert plan_for(FP32, FUSED, 1 << 62, can_map=True).peak_bytes < 7e9
    assert 15e9 < plan_for(FP32, PLAIN, 1 << 62, can_map=False).peak_bytes < 17e9
    assert plan_for(INT8, EIGHT_BITS, 1 << 62, can_map=False).peak_bytes < 9e9
    assert plan_for(BF16, IN_OPENVINO, 1 << 62, can_map=False).peak_bytes < 12e9


def test_the_loras_of_a_picture_are_counted(tiny: ModelFolder, shared: Shared) -> None:
    sdxl = replace(FUSED, numbers_per_rank=2_650_000)
    without = plan_for(FP32, FUSED, 1 << 62, can_map=True)
    plan = plan_for(FP32, sdxl, 1 << 62, can_map=True)
    assert plan.peak_bytes - without.peak_bytes == plan.parts["LoRAs"] == 4 * 32 * 2_650_000
    assert "LoRAs" not in without.parts
    made = ModelFolder.open(shared(tiny, "int8").path)
    assert Shape.of(tiny).lora_bytes == 0
    assert Shape.of(made).numbers_per_rank == branch_numbers(tiny) > 0
    on_card = sizes_of_folder(made)
    assert on_card.loras == Shape.of(made).lora_bytes
    assert least_bytes(on_card) > least_bytes(replace(on_card, loras=0))


def test_small_models_keep_their_text_encoders_until_it_gets_tight() -> None:
    small: dict[Component, int] = {name: size // 100 for name, size in FP32.items()}
    shape = Shape(channels=320, latent_pixels=64 * 64, fused=True)
    plenty = plan_for(small, shape, 1 << 62, can_map=True)
    assert (plenty.frugal(), plenty.rows_at_once) == ([], 2)
    for spared in (
        "rows one after the other",
        "text encoders loaded for each new prompt",
        "the UNet's weights left in their file",
    ):
        plenty = plan_for(small, shape, plenty.peak_bytes - 1, can_map=True)
        assert plenty.frugal()[-1] == spared
        assert not plenty.sparing()


def test_a_narrow_vae_attends_between_as_many_pixels_as_a_wide_one() -> None:
    narrow: dict[Component, int] = {**FP32, "vae_decoder": 2_000_000}
    plan = plan_for(narrow, FUSED, 1 << 62, can_map=True)
    assert FUSED.decoder_bytes(2_000_000, 1024) == 8 * (128 * 128) ** 2
    assert FUSED.decoder_bytes(2_000_000, 512) == 8 * (64 * 64) ** 2
    assert plan.peak_bytes > 8 * (128 * 128) ** 2


def test_a_small_model_fits_anywhere(tiny: ModelFolder) -> None:
    plan = memory_plan.make_plan(tiny, 1 << 40)
    assert plan.peak_bytes < 3e9  # attention between all latent pixels is most of it
    assert plan == MemoryPlan(parts=plan.parts, peak_bytes=plan.peak_bytes)


def test_too_little_is_said_with_numbers(tiny: ModelFolder) -> None:
    with pytest.raises(ModelError) as caught:
        memory_plan.make_plan(tiny, 100_000_000)
    assert caught.value.key == "memory_too_small"
    data: dict[str, Any] = caught.value.data
    assert "0.1 GB" in text("errors.memory_too_small", **data)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc alone keeps what is freed")
def test_what_is_free_between_what_is_used_goes_back() -> None:
    blocks = [b"x" * 60_000 for _ in range(2000)]
    last = blocks[-1]  # in use at the end of the heap, so that its beginning stays by itself
    blocks.clear()
    before = psutil.Process().memory_info().rss
    memory.give_back_heap()
    assert before - psutil.Process().memory_info().rss > 60_000_000
    assert last


def test_a_containers_limit_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "max").write_text("3000000\n")
    (tmp_path / "now").write_text("1700000\n")
    (tmp_path / "stat").write_text("anon 900000\ninactive_file 500000\nactive_file 200000\n")
    files = (tmp_path / "max", tmp_path / "now", tmp_path / "stat")
    monkeypatch.setattr(memory, "_CGROUPS", (files,))
    assert memory.available_bytes() == 2_000_000
    (tmp_path / "max").write_text("max\n")
    assert memory.available_bytes() > 2_000_000

"""Memory is looked at before loading, and what would not fit is done differently."""

from pathlib import Path
from typing import Any

import pytest

from data.text import text
from pipeline.errors import ModelError
from pipeline.model import memory, memory_plan
from pipeline.model.folder import Component, ModelFolder
from pipeline.model.memory_plan import MemoryPlan, Shape, plan_for

PLAIN = Shape(channels=320, latent_pixels=128 * 128, fused=False)
FUSED = Shape(channels=320, latent_pixels=128 * 128, fused=True)
FP32: dict[Component, int] = {
    "text_encoder": 493_000_000,
    "text_encoder_2": 2_780_000_000,
    "unet": 10_270_000_000,
    "vae_decoder": 198_000_000,
}
"""What the published checkpoint has on disk."""
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
        (FP32, PLAIN, 19e9, False, ["rows"], True),
        (FP32, PLAIN, 15.7e9, False, ["rows", "text"], True),
        (FP32, PLAIN, 13e9, False, ["rows", "text", "VAE"], False),
        (FP32, FUSED, 15e9, True, ["rows", "text", "VAE"], True),
        (FP32, FUSED, 12e9, True, ["rows", "text", "VAE", "UNet"], True),
        (FP32, FUSED, 7.5e9, True, ["rows", "text", "VAE", "UNet"], True),
        (FP32, FUSED, 6e9, True, ["rows", "text", "VAE", "UNet"], False),
        (INT8, FUSED, 16e9, False, [], True),
        (INT8, FUSED, 7e9, False, ["rows", "text", "VAE"], True),
    ],
)
def test_what_costs_least_is_spared_first(
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
    assert len(spared) == len(says), (spared, plan)
    assert all(word in line for word, line in zip(says, spared, strict=True))
    assert sum(plan.parts.values()) == plan.peak_bytes


def test_sdxl_needs_what_was_measured() -> None:
    """The UNet alone was resident with 16.1 GB, so 16 GB with everything else is too little."""
    assert 17e9 < plan_for(FP32, PLAIN, 1 << 62, can_map=False).peak_bytes < 22e9
    assert plan_for(INT8, FUSED, 1 << 62, can_map=False).peak_bytes < 11e9


def test_a_small_model_fits_anywhere(tiny: ModelFolder) -> None:
    plan = memory_plan.make_plan(tiny, 1 << 40)
    assert plan.peak_bytes < 2e9
    assert plan == MemoryPlan(parts=plan.parts, peak_bytes=plan.peak_bytes)


def test_too_little_is_said_with_numbers(tiny: ModelFolder) -> None:
    with pytest.raises(ModelError) as caught:
        memory_plan.make_plan(tiny, 100_000_000)
    assert caught.value.key == "memory_too_small"
    data: dict[str, Any] = caught.value.data
    assert "0.1 GB" in text("errors.memory_too_small", **data)


def test_a_containers_limit_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "max").write_text("3000000\n")
    (tmp_path / "now").write_text("1000000\n")
    monkeypatch.setattr(memory, "_CGROUPS", ((tmp_path / "max", tmp_path / "now"),))
    assert memory.available_bytes() == 2_000_000
    (tmp_path / "max").write_text("max\n")
    assert memory.available_bytes() > 2_000_000

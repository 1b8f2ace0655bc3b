"""What can be known of CUDA without a card."""

import itertools
from importlib import metadata
from pathlib import Path

import pytest

from pipeline.plan.card_plan import CardPlan, plan_card
from pipeline.runtime.cuda import missing_library, provider_options
from pipeline.runtime.providers import cuda_works

GIB = 2**30


def test_every_option_that_matters_is_said() -> None:
    assert provider_options(device_id=1) == {
        "device_id": "1",
        "prefer_nhwc": "1",
        "cudnn_conv_algo_search": "HEURISTIC",
        "cudnn_conv_use_max_workspace": "1",
        "arena_extend_strategy": "kSameAsRequested",
        "do_copy_in_default_stream": "1",
    }
    limited = provider_options(device_id=0, memory_limit_bytes=6 * GIB)
    assert limited["gpu_mem_limit"] == str(6 * GIB)


@pytest.mark.parametrize(
    ("gib", "encoders", "tiled", "pictures"),
    [
        (8, False, True, 2),
        (12, True, True, 4),
        (16, True, False, 4),
        (24, True, False, 4),
        (80, True, False, 4),
    ],
)
def test_what_stays_on_a_card(*, gib: int, encoders: bool, tiled: bool, pictures: int) -> None:
    plan = plan_card(gib * GIB)
    assert isinstance(plan, CardPlan)
    assert plan.text_encoders_on_card is encoders
    assert plan.tiled_vae is tiled
    assert plan.pictures_at_once == pictures
    assert plan.peak_bytes < gib * GIB


@pytest.mark.parametrize("gib", [2, 4, 6])
def test_a_card_too_small_for_the_unet_is_not_used(gib: int) -> None:
    assert plan_card(gib * GIB) is None


def test_more_memory_never_makes_it_worse() -> None:
    plans = [plan_card(gib * GIB) for gib in range(7, 40)]
    found = [plan for plan in plans if plan is not None]
    for less, more in itertools.pairwise(found):
        assert more.text_encoders_on_card >= less.text_encoders_on_card


def test_the_missing_library_is_named() -> None:
    names = {each.metadata["Name"] for each in metadata.distributions()}
    if cuda_works(0) or "onnxruntime-gpu" not in names:
        pytest.skip("needs onnxruntime-gpu on a machine without CUDA")
    library = missing_library()
    assert library is not None
    assert library.startswith("libcu"), library


def test_a_runtime_without_cuda_says_nothing_of_cuda(tmp_path: Path) -> None:
    library = missing_library(tmp_path)
    assert library == "libonnxruntime_providers_shared.so"

# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportAttributeAccessIssue=false
# (the border to onnx, torch and diffusers, whose types are partly missing)
"""The low-rank branch is in every prepared variant, and without a LoRA it changes nothing."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from pipeline.lora.adapter import input_name
from pipeline.model.folder import ModelFolder
from pipeline.model.options import Variant
from pipeline.onnx.branch_size import has_convolutions, numbers_per_rank
from pipeline.prepare.convert import convert
from pipeline.runtime.adapters import no_change
from pipeline.runtime.sessions import SessionFactory
from tests.pipeline.prepare.lora.compare import distance, inputs, outputs
from tests.pipeline.preparing import Shared, make

pytestmark = pytest.mark.filterwarnings("ignore")  # diffusers and its libraries warn of each other

VARIANTS: tuple[Variant, ...] = ("fp32", "fp16", "int8")
PARTS = ("unet", "text_encoder", "text_encoder_2")


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_layer_of_diffusers_has_it(
    variant: Variant, pipe: Any, tiny: ModelFolder, shared: Shared, cpu: SessionFactory
) -> None:
    folder = ModelFolder.open(shared(tiny, variant).path)
    assert folder.loras
    for part in PARTS:
        branch = cpu.open_ort(folder, part).branch
        layers = {
            name: module
            for name, module in getattr(pipe, part).named_modules()
            if isinstance(module, torch.nn.Linear | torch.nn.Conv2d)
        }
        assert branch.keys() == {input_name(name, each) for name in layers for each in "AB"}
        size = 0
        for name, module in layers.items():
            a, b = (branch[input_name(name, each)].shape for each in "AB")
            if isinstance(module, torch.nn.Linear):
                assert (a[0], b[1]) == (module.in_features, module.out_features)
                size += module.in_features + module.out_features
            else:
                assert a[1:] == (module.in_channels, *module.kernel_size)
                assert (b[0], *b[2:]) == (module.out_channels, 1, 1)
                size += module.in_channels * math.prod(module.kernel_size) + module.out_channels
        assert numbers_per_rank(folder.onnx_file(part)) == size
        assert has_convolutions(folder.onnx_file(part)) == (part == "unet")


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("variant", VARIANTS)
def test_empty_it_changes_nothing(
    variant: Variant, tiny: ModelFolder, shared: Shared, mapped: SessionFactory, tmp_path: Path
) -> None:
    without = ModelFolder.open(make(tiny, tmp_path, variant, mapped, branch=False).path)
    assert not without.loras
    found = ModelFolder.open(shared(tiny, variant).path)
    # A processor computes half precision in single, and rounds in between where the graph branches.
    bound = 2e-3 if variant == "fp16" else 1e-6
    for ours, theirs in zip(outputs(found), outputs(without), strict=True):
        assert distance(ours, theirs) <= bound


def test_on_a_card_zeros_stand_for_an_empty_one(
    tiny: ModelFolder, shared: Shared, cpu: SessionFactory
) -> None:
    session = cpu.open_ort(ModelFolder.open(shared(tiny, "fp16").path), "text_encoder_2")
    ids = {"input_ids": inputs()["ids"]}
    idle = session.place(no_change(session.branch))
    assert idle.keys() == session.branch.keys()
    with_zeros, empty = session.run(ids, adapter=idle), session.run(ids)
    for name, values in empty.items():
        np.testing.assert_array_equal(with_zeros[name], values)


def test_a_model_that_has_it_is_prepared_like_one_without(
    tiny: ModelFolder, shared: Shared
) -> None:
    """Also the other way round: the branch is no weight that could be converted or merged into."""
    made = ModelFolder.open(shared(tiny, "fp32").path)
    for part in PARTS:
        path = made.onnx_file(part)
        again = convert(path, part, "int8", full_range=True).model
        plain = convert(path, part, "int8", full_range=True, branch=False).model
        ours = {value.name for value in again.graph.input}
        assert ours == {
            value.name for value in onnx.load(path, load_external_data=False).graph.input
        }
        assert not any(value.name.startswith("lora/") for value in plain.graph.input)
        kinds = [node.op_type for node in plain.graph.node]
        once = convert(tiny.onnx_file(part), part, "int8", full_range=True, branch=False).model
        assert kinds == [node.op_type for node in once.graph.node]


def test_a_source_has_none(tiny: ModelFolder) -> None:
    assert not tiny.loras
    assert numbers_per_rank(tiny.onnx_file("unet")) == 0
    assert not has_convolutions(tiny.onnx_file("unet"))

# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportAttributeAccessIssue=false
# (the border to onnx, whose protobuf classes are untyped)
"""Prepared models are as right as they say, and their source is checked before."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import onnx
import pytest

from pipeline.engine.unet import open_unet
from pipeline.errors import ModelError
from pipeline.model.consistency import check_consistency
from pipeline.model.folder import ModelFolder
from pipeline.model.options import Variant
from pipeline.onnx.shallow import DEEP
from pipeline.onnx.skeleton import Weights, load_skeleton
from pipeline.plan import prepared
from pipeline.runtime.sessions import SessionFactory
from tests.pipeline.own_model import Quiet, make_request, open_own
from tests.pipeline.preparing import Shared, failure, make, own_copy
from tests.support.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("variant", ["fp32", "fp16", "int8"])
@pytest.mark.parametrize("model", ["tiny", "tiny_v", "tiny_2024"])
def test_every_variant_of_every_layout_is_close_to_its_source(
    model: str,
    variant: Variant,
    shared: Shared,
    request: pytest.FixtureRequest,
) -> None:
    source: ModelFolder = request.getfixturevalue(model)
    made = shared(source, variant)
    folder = ModelFolder.open(made.path)
    assert folder.precision.startswith(variant)
    assert folder.content_hash == source.content_hash
    assert folder.size_multiple == source.size_multiple
    limits: dict[Variant, float] = {"fp32": 1e-5, "fp16": 5e-3, "int8": 0.09}
    assert max(made.manifest.errors.values()) < limits[variant], made.manifest.errors
    for component in ("unet", "text_encoder", "vae_decoder", "vae_encoder"):
        graph = onnx.load(made.path / component / "model.onnx", load_external_data=False)
        theirs = onnx.load(source.path / component / "model.onnx", load_external_data=False)
        kinds = [
            value.type.tensor_type.elem_type for value in graph.graph.output if value.name != DEEP
        ]
        assert kinds == [value.type.tensor_type.elem_type for value in theirs.graph.output]
        names = [value.name for value in graph.graph.output if value.name != DEEP]
        assert names == [value.name for value in theirs.graph.output]


def test_the_prepared_picture_is_the_same_picture(tiny: ModelFolder, shared: Shared) -> None:
    made = shared(tiny, "fp32")
    pictures = [
        np.asarray(open_own(path).draw(make_request(), 0, Quiet()).image, np.int16)
        for path in (tiny.path, made.path)
    ]
    assert np.abs(pictures[0] - pictures[1]).max() <= 1


def test_half_precision_leaves_the_sines_of_the_timestep_alone(
    tiny: ModelFolder, shared: Shared
) -> None:
    made = shared(tiny, "fp16")
    model = onnx.load(made.path / "unet" / "model.onnx", load_external_data=False)
    types = {
        value.name: value.type.tensor_type.elem_type
        for value in onnx.shape_inference.infer_shapes(model).graph.value_info
    }
    waves = [node for node in model.graph.node if node.op_type in {"Sin", "Cos"}]
    assert len(waves) == 4
    assert {types[node.output[0]] for node in waves} == {onnx.TensorProto.FLOAT}
    weights = [tensor for tensor in model.graph.initializer if len(tensor.dims) >= 2]
    assert {tensor.data_type for tensor in weights} == {onnx.TensorProto.FLOAT16}


def test_int8_gives_a_picture_the_same_numbers_whatever_shares_its_run(
    tiny: ModelFolder, shared: Shared
) -> None:
    """Its scales are measured over all rows of a run, so the engine gives it one row at a time."""
    engine = open_own(shared(tiny, "int8").path)
    rows = [engine.begin(make_request(seed=seed), 0) for seed in (1, 2)]
    alone = engine.begin(make_request(seed=1), 0)
    engine.step(rows)
    engine.step([alone])
    np.testing.assert_array_equal(rows[0].latents, alone.latents)


def test_rows_at_different_timesteps_share_a_run_of_what_had_a_scalar(
    tiny: ModelFolder, mapped: SessionFactory, shared: Shared
) -> None:
    folder = ModelFolder.open(shared(tiny, "fp32").path)
    assert len(open_unet(mapped, folder).session.inputs["timestep"].shape) == 1


def test_weights_inside_the_graph_are_read_where_they_lie(tiny: ModelFolder) -> None:
    path = tiny.onnx_file("unet")
    model, weights = load_skeleton(path), Weights(path.parent)
    whole = {tensor.name: tensor for tensor in onnx.load(path).graph.initializer}
    assert len(model.SerializeToString()) < path.stat().st_size / 4
    for tensor in model.graph.initializer:
        wanted = onnx.numpy_helper.to_array(whole[tensor.name])
        np.testing.assert_array_equal(weights.read(tensor), wanted)
    weights.close()


@pytest.mark.usefixtures("unchecked")
def test_a_source_that_is_not_what_was_published_is_found_by_its_hash(
    tiny: ModelFolder, mapped: SessionFactory, tmp_path: Path
) -> None:
    source = own_copy(tiny, tmp_path / "model")
    file = source.onnx_file("unet")
    note = tmp_path / "model/.cache/huggingface/download/unet/model.onnx.metadata"
    note.parent.mkdir(parents=True)
    note.write_text(f"commit\n{prepared.sha256_of(file)}\n1.0\n")
    make(source, tmp_path / "models", "fp32", mapped)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    source = ModelFolder.open(source.path)
    error = failure(source, tmp_path / "other", mapped)
    assert (error.key, error.data["name"]) == ("source_altered", "unet/model.onnx")


def test_a_source_cut_off_behind_our_back_is_said(
    tiny: ModelFolder, mapped: SessionFactory, tmp_path: Path
) -> None:
    source = own_copy(tiny, tmp_path / "model")
    file = source.onnx_file("unet")
    with file.open("r+b") as cut:
        cut.truncate(file.stat().st_size // 2)
    assert failure(source, tmp_path / "models", mapped).key == "model_incomplete"


@pytest.mark.parametrize(
    "scheduler",
    [
        {"beta_start": 0.5, "beta_end": 0.01},
        {"steps_offset": 5000},
        {"rescale_betas_zero_snr": True},
        {"prediction_type": "sample"},
    ],
)
def test_a_schedule_that_cant_be_this_models_is_refused(
    scheduler: dict[str, object], tiny: ModelFolder, mapped: SessionFactory, tmp_path: Path
) -> None:
    source = own_copy(tiny, tmp_path / "model", **scheduler)
    error = failure(source, tmp_path / "models", mapped)
    assert error.key in {"model_config_wrong", "scheduler_unsupported"}


def test_a_schedule_is_judged_by_the_values_that_are_drawn_with(tiny: ModelFolder) -> None:
    left_out = MappingProxyType({**tiny.scheduler, "beta_start": 0.015, "beta_end": None})
    check_consistency(replace(tiny, scheduler=left_out))  # diffusers' default is 0.02
    with pytest.raises(ModelError, match="model_config_wrong"):
        check_consistency(
            replace(tiny, scheduler=MappingProxyType({**left_out, "beta_start": 0.03}))
        )


@pytest.mark.parametrize(
    "change", [{"in_channels": 9}, {"addition_embed_type": None}, {"cross_attention_dim": 768}]
)
def test_a_unet_of_another_architecture_is_refused(
    change: dict[str, object], tiny: ModelFolder, mapped: SessionFactory, tmp_path: Path
) -> None:
    source = own_copy(tiny, tmp_path / "model")
    path = source.path / "unet" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    assert failure(source, tmp_path / "models", mapped).key == "model_not_sdxl"


@pytest.mark.parametrize(
    ("component", "part"),
    [("text_encoder", "text"), ("unet", "unet"), ("vae_decoder", "vae"), ("vae_encoder", "vae")],
)
def test_a_source_that_gives_no_numbers_is_at_fault_itself(
    component: str, part: str, tiny: ModelFolder, mapped: SessionFactory, tmp_path: Path
) -> None:
    """Another variant of it would be no better."""
    source = own_copy(tiny, tmp_path / "model")
    path = source.path / component / "model.onnx"
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT and tensor.dims:
            values = np.full(tuple(tensor.dims), np.nan, np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    onnx.save(model, path)
    error = failure(ModelFolder.open(source.path), tmp_path / "models", mapped)
    assert (error.key, error.data["part"]) == ("source_not_finite", part)


def test_one_tensor_at_a_time_is_in_memory(tmp_path: Path) -> None:
    """A gigabyte of weights, converted within 150 MB: what the process takes stays the same."""
    count, side = 64, 2048
    names = [f"w{index}" for index in range(count)]
    node, value = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    nodes = [
        node("MatMul", [f"x{index}", name], [f"x{index + 1}"]) for index, name in enumerate(names)
    ]
    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            nodes,
            "large",
            [value("x0", onnx.TensorProto.FLOAT, ["rows", side])],
            [value(f"x{count}", onnx.TensorProto.FLOAT, ["rows", side])],
        )
    )
    for index, name in enumerate(names):
        tensor = model.graph.initializer.add(name=name, data_type=1, data_location=1)
        tensor.dims.extend([side, side])
        place = {"location": "model.onnx_data", "offset": index * side * side * 4}
        for key, entry in {**place, "length": side * side * 4}.items():
            tensor.external_data.add(key=key, value=str(entry))
    (tmp_path / "unet").mkdir()
    onnx.save(model, tmp_path / "unet" / "model.onnx")
    with (tmp_path / "unet" / "model.onnx_data").open("wb") as file:
        file.truncate(count * side * side * 4)  # a sparse file: zeros, no space
    script = (
        "import resource, sys\nfrom pathlib import Path\n"
        "from pipeline.prepare.convert import convert\n"
        "from pipeline.onnx.skeleton import Weights\n"
        "from pipeline.prepare.write import ComponentWriter\n"
        "import onnx\nfolder = Path(sys.argv[1]) / 'unet'\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "made = convert(folder / 'model.onnx', 'unet', 'int8', full_range=False)\n"
        "before = peak()\n"
        "out = folder.parent / 'out'\n"
        "ComponentWriter(made, Weights(folder), out, lambda _: None).write()\n"
        "print((peak() - before) / 1024)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=PATIENCE_S,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert float(done.stdout) < 150, "megabytes beyond what the libraries take"


def test_a_source_is_left_as_it_was(
    tiny: ModelFolder, mapped: SessionFactory, tmp_path: Path
) -> None:
    before = {file: file.stat().st_mtime_ns for file in tiny.path.rglob("*")}
    make(replace(tiny), tmp_path, "fp32", mapped)
    assert before == {file: file.stat().st_mtime_ns for file in tiny.path.rglob("*")}

"""OpenVINO as a second runtime: as right in bfloat16 as it says, chosen only where it can run."""

import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psutil
import pytest

from pipeline.engine.own import OwnEngine
from pipeline.engine.unet import UNetSession, open_unet
from pipeline.errors import ModelError
from pipeline.model.folder import Component, ModelFolder
from pipeline.model.options import Variant
from pipeline.onnx.skeleton import load_skeleton
from pipeline.plan import prepared
from pipeline.plan.prepared import chosen, find, save_choice, why_not
from pipeline.runtime import openvino
from pipeline.runtime.cpu import Cpu, this_cpu
from pipeline.runtime.openvino import computes_bf16, openvino_version
from pipeline.runtime.providers import CPU, CUDA
from pipeline.runtime.sessions import SessionFactory
from tests.pipeline.own_model import Quiet, make_request, open_own
from tests.pipeline.preparing import Shared, make

INT8 = 3  # of onnx.TensorProto

needs_openvino = pytest.mark.skipif(
    not openvino_version(), reason="openvino is not installed: pip install '.[openvino]'"
)


def _has_bf16() -> bool:
    """By its flags and by OpenVINO's own word."""
    if not openvino_version() or not computes_bf16(this_cpu()):
        return False
    from openvino import Core

    return "BF16" in Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


needs_bf16 = pytest.mark.skipif(
    not _has_bf16(),
    reason="this processor has no bfloat16: none is drawn with it",  # copies in single precision
)


# OpenVINO compiles a model when it is opened, which takes longer than all that is done with it.
@pytest.fixture(scope="module")
def made(tiny: ModelFolder, shared: Shared) -> ModelFolder:
    return ModelFolder.open(shared(tiny, "bf16").path)


@pytest.fixture(scope="module")
def engine(made: ModelFolder) -> Generator[OwnEngine]:
    opened = open_own(made.path)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def unet(made: ModelFolder, mapped: SessionFactory) -> UNetSession:
    return open_unet(mapped, made)


@pytest.fixture(scope="module")
def made_in_int8(tiny: ModelFolder, shared: Shared) -> Path:
    return shared(tiny, "int8-bf16").path


def predict(unet: UNetSession, folder: ModelFolder, timestep: float) -> npt.NDArray[np.float32]:
    random = np.random.default_rng(0)
    width = unet.session.inputs["encoder_hidden_states"].shape[2]
    pooled = unet.session.inputs["text_embeds"].shape[1]
    assert isinstance(width, int)
    assert isinstance(pooled, int)
    return unet.predict(
        sample=random.standard_normal((1, folder.latent_channels, 16, 24), np.float32),
        timesteps=np.array([timestep], np.float32),
        prompt_embeds=random.standard_normal((1, 77, width), np.float32),
        pooled=random.standard_normal((1, pooled), np.float32),
        time_ids=np.array([[192, 128, 0, 0, 192, 128]], np.float32),
    )


@needs_openvino
@pytest.mark.parametrize("variant", ["bf16", "int8-bf16"])
@pytest.mark.parametrize("model", ["tiny", "tiny_v", "tiny_2024"])
def test_every_layout_is_close_to_its_source(
    model: str, variant: Variant, shared: Shared, request: pytest.FixtureRequest
) -> None:
    source: ModelFolder = request.getfixturevalue(model)
    found = shared(source, variant)
    assert found.manifest.openvino == openvino_version()
    assert found.manifest.errors["unet"] < (0.03 if variant == "bf16" else 0.06)
    assert found.manifest.errors["vae"] < 0.03
    folder = ModelFolder.open(found.path)
    assert folder.precision == f"{variant} (OpenVINO)"


@needs_openvino
def test_linear_layers_are_stored_in_eight_bits_but_those_of_the_prompt(made_in_int8: Path) -> None:
    graph = load_skeleton(made_in_int8 / "unet" / "model.onnx").graph
    kinds = {tensor.name: tensor.data_type for tensor in graph.initializer}
    assert INT8 in kinds.values()
    makers = {output: node for node in graph.node for output in node.output}
    products = [node for node in graph.node if node.op_type == "MatMul"]
    for node in products:
        scaled = makers.get(node.input[1])
        if scaled is None or not scaled.name.endswith("__scaled"):
            assert kinds.get(node.input[1]) != INT8
            continue
        (stored,) = makers[scaled.input[0]].input
        assert kinds[stored] == INT8
        source = makers.get(node.input[0])
        assert source is None or "encoder_hidden_states" not in source.input


@needs_openvino
def test_convolutions_behind_silu_are_in_eight_bits_and_their_branch_is_not(
    made_in_int8: Path,
) -> None:
    graph = load_skeleton(made_in_int8 / "unet" / "model.onnx").graph
    kinds = {tensor.name: tensor.data_type for tensor in graph.initializer}
    makers = {output: node for node in graph.node for output in node.output}
    rounded = 0
    for node in graph.node:
        if node.op_type != "Conv":
            continue
        source = makers[node.input[0]].op_type if node.input[0] in makers else ""
        weight = makers.get(node.input[1])
        if weight is not None and weight.op_type == "DequantizeLinear":
            rounded += 1
            assert kinds[weight.input[0]] == INT8
            assert source == "DequantizeLinear"
        else:
            assert source != "DequantizeLinear"
    resnets = [node for node in graph.node if node.name.endswith(("/conv1/Conv", "/conv2/Conv"))]
    assert rounded == len(resnets) > 0


@needs_openvino
@pytest.mark.parametrize("timestep", [1, 333, 999])
def test_late_and_early_timesteps_are_equally_right(
    timestep: int, tiny: ModelFolder, unet: UNetSession, mapped: SessionFactory
) -> None:
    """In bfloat16 there is no 999: sines of it are off by a fifth unless they are made before."""
    wanted = predict(open_unet(mapped, tiny), tiny, timestep)
    got = predict(unet, tiny, timestep)
    assert np.sqrt(np.square(got - wanted).mean() / np.square(wanted).mean()) < 0.03


@needs_openvino
def test_threads_take_turns(unet: UNetSession, made: ModelFolder) -> None:
    alone = {timestep: predict(unet, made, timestep) for timestep in (1, 500)}
    with ThreadPoolExecutor(4) as pool:
        runs = [(at, pool.submit(predict, unet, made, at)) for at in [1, 500] * 4]
        for timestep, run in runs:
            np.testing.assert_array_equal(run.result(), alone[timestep])


@needs_openvino
def test_memory_that_is_given_back_changes_no_number(unet: UNetSession, made: ModelFolder) -> None:
    assert isinstance(unet.session, openvino.OpenVinoSession)
    giving_back = UNetSession(unet.session.giving_back())
    kept = predict(unet, made, 500)
    for each in (giving_back, giving_back, unet):
        np.testing.assert_array_equal(predict(each, made, 500), kept)


@needs_openvino
@needs_bf16
def test_weights_are_mapped_and_not_read(unet: UNetSession, made: ModelFolder) -> None:
    """They are in memory once, in the processor's order; the plan counts on it."""
    predict(unet, made, 500)
    data = str(made.path / "unet" / "model.onnx_data")
    assert any(each.path == data for each in psutil.Process().memory_maps())


@needs_openvino
@needs_bf16
@pytest.mark.parametrize("component", ["vae_decoder", "vae_encoder"])
def test_the_vae_runs_there_too(
    component: Component, made: ModelFolder, tiny: ModelFolder, mapped: SessionFactory
) -> None:
    """It gives a picture's activations back, and rounds: so it is not the source's to the bit."""
    session = mapped.open(made, component)
    assert isinstance(session, openvino.OpenVinoSession)
    source = mapped.open(tiny, component)
    (given,) = source.inputs.values()
    channels = given.shape[1] if isinstance(given.shape[1], int) else tiny.latent_channels
    values = np.random.default_rng(0).standard_normal((1, channels, 32, 48), np.float32)
    (name,) = session.outputs
    wanted = next(iter(source.run({given.name: values}).values()))
    got = session.run({given.name: values})[name]
    wanted = wanted[:, : got.shape[1]]  # the encoder's mean, without its variance
    error = np.sqrt(np.square(got - wanted).mean() / np.square(wanted).mean())
    assert 1e-6 < error < 0.03
    np.testing.assert_array_equal(session.run({given.name: values})[name], got)


@needs_openvino
@needs_bf16
def test_the_engine_draws_nearly_the_same_picture(tiny: ModelFolder, engine: OwnEngine) -> None:
    pictures = [
        np.asarray(each.draw(make_request(), 0, Quiet()).image, np.int16)
        for each in (engine, open_own(tiny.path))
    ]
    assert np.abs(pictures[0] - pictures[1]).mean() < 8


@needs_openvino
@pytest.mark.parametrize("variant", ["bf16", "int8-bf16"])
def test_a_picture_does_not_depend_on_whom_it_is_drawn_beside(
    variant: Variant, engine: OwnEngine, made_in_int8: Path
) -> None:
    engine = engine if variant == "bf16" else open_own(made_in_int8)
    rows = [engine.begin(make_request(seed=seed), 0) for seed in (1, 2)]
    alone = engine.begin(make_request(seed=1), 0)
    engine.step(rows)
    engine.step([alone])
    np.testing.assert_array_equal(rows[0].latents, alone.latents)


def test_without_openvino_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ModelError) as caught:
        openvino.open_in_bf16(tmp_path / "unet" / "model.onnx", threads=1)
    assert caught.value.key == "openvino_missing"


@needs_openvino
def test_a_broken_graph_is_said(tmp_path: Path) -> None:
    path = tmp_path / "unet" / "model.onnx"
    path.parent.mkdir()
    path.write_bytes(b"no model")
    with pytest.raises(ModelError) as caught:
        openvino.open_in_bf16(path, threads=1)
    assert caught.value.key == "model_unreadable"


@pytest.mark.parametrize(
    ("provider", "version", "has_bf16", "words"),
    [
        (CUDA, "2026.1", True, "for processors"),
        (CPU, "", True, "needs OpenVINO"),
        (CPU, "2026.1", False, "no bfloat16"),
        (CPU, "2026.1", True, ""),
    ],
)
def test_it_is_refused_where_it_cant_run(
    provider: str, version: str, has_bf16: bool, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared, "openvino_version", lambda: version)
    flags = frozenset({"avx512_bf16"} if has_bf16 else {"avx2"})
    cpu = Cpu(model="a processor", machine="x86_64", flags=flags)
    monkeypatch.setattr(prepared, "this_cpu", lambda: cpu)
    if not words:
        prepared.check_fit("bf16", provider)
        return
    with pytest.raises(ModelError) as caught:
        prepared.check_fit("bf16", provider)
    assert words in str(caught.value.data["reason"])


@pytest.mark.usefixtures("unchecked")
def test_auto_goes_on_with_what_the_machine_can_run(
    tiny: ModelFolder, mapped: SessionFactory, tmp_path: Path
) -> None:
    """What was prepared last is for another device: another that was prepared, else the source."""
    home = make(tiny, tmp_path, "fp16", mapped).path.parent
    assert find(tmp_path, tiny, "auto", CPU) is tiny
    assert "NVIDIA" in why_not(home, CPU)
    assert find(tmp_path, tiny, "auto", CUDA).precision == "fp16"
    assert not why_not(home, CUDA)
    make(tiny, tmp_path, "fp32", mapped)
    save_choice(home, "fp16", "as on the machine with the card")
    assert chosen(home) == "fp16"
    assert find(tmp_path, tiny, "auto", CPU).precision == "fp32 (fused)"
    with pytest.raises(ModelError) as caught:  # asked for by name it is refused all the same
        find(tmp_path, tiny, "fp16", CPU)
    assert caught.value.key == "variant_unfit"

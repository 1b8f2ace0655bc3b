# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportUnknownLambdaType=false
# (the border to onnx and onnxruntime, whose types are missing)
"""Sessions: the provider that really runs, both forms of `timestep`, rows, threads, traps."""

import dataclasses
import logging
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from pipeline.engine.unet import UNetSession, open_unet
from pipeline.errors import EngineError, ModelError
from pipeline.model.folder import ModelFolder
from pipeline.runtime import providers
from pipeline.runtime.providers import CPU, CUDA, both_runtimes_installed, cuda_works
from pipeline.runtime.sessions import SessionFactory
from pipeline.runtime.threads import default_threads

Inputs = dict[str, Any]


def _inputs(unet: UNetSession, timesteps: list[float], seed: int = 0) -> Inputs:
    noise = np.random.default_rng(seed)
    ports, rows = unet.session.inputs, len(timesteps)

    def normal(*shape: int) -> Any:
        return noise.standard_normal((rows, *shape)).astype(np.float32)

    def width(name: str, axis: int) -> int:
        size = ports[name].shape[axis]
        return size if isinstance(size, int) else 4  # exports of 2024 name channels

    return {
        "sample": normal(width("sample", 1), 16, 24),
        "timesteps": np.array(timesteps, np.float32),
        "prompt_embeds": normal(77, width("encoder_hidden_states", 2)),
        "pooled": normal(width("text_embeds", 1)),
        "time_ids": np.full((rows, 6), 512, np.float32),
    }


def _row(inputs: Inputs, index: int) -> Inputs:
    return {name: value[index : index + 1] for name, value in inputs.items()}


@pytest.mark.parametrize("model", ["tiny", "tiny_v", "tiny_2024"])
def test_rows_at_different_timesteps_equal_rows_alone(
    model: str, cpu: SessionFactory, request: pytest.FixtureRequest
) -> None:
    unet = open_unet(cpu, request.getfixturevalue(model), rows_differ=True)
    inputs = _inputs(unet, [981, 3, 500])
    together = unet.predict(**inputs)
    alone = np.concatenate([unet.predict(**_row(inputs, index)) for index in range(3)])
    assert together.dtype == np.float32
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert np.abs(together[0] - together[1]).max() > 1e-3


def test_a_scalar_timestep_left_as_it_is_gives_the_same(
    tiny: ModelFolder, cpu: SessionFactory
) -> None:
    patched, scalar = (
        open_unet(cpu, tiny, rows_differ=True),
        UNetSession(cpu.open(tiny, "unet")),
    )
    assert scalar.session.inputs["timestep"].shape == ()
    assert len(patched.session.inputs["timestep"].shape) == 1
    inputs = _inputs(patched, [981, 3, 3])
    np.testing.assert_allclose(patched.predict(**inputs), scalar.predict(**inputs), atol=1e-5)


def test_both_layouts_give_the_same(
    tiny: ModelFolder, tiny_2024: ModelFolder, cpu: SessionFactory
) -> None:
    today, old = open_unet(cpu, tiny, rows_differ=True), open_unet(cpu, tiny_2024)
    kinds = [each.session.inputs["timestep"].dtype.kind for each in (old, today)]
    assert kinds == ["i", "f"], "the old layout cuts a timestep's fraction off"
    inputs = _inputs(today, [981, 981])
    np.testing.assert_allclose(today.predict(**inputs), old.predict(**inputs), atol=1e-5)


def test_the_patched_graph_finds_weights_that_lie_outside(
    tiny: ModelFolder, cpu: SessionFactory, tmp_path: Path
) -> None:
    shutil.copytree(tiny.path, tmp_path / "model")
    path = tmp_path / "model" / "unet" / "model.onnx"
    onnx.save_model(onnx.load(path), path, save_as_external_data=True, location="model.onnx_data")
    outside = open_unet(cpu, ModelFolder.open(tmp_path / "model"), rows_differ=True)
    inside = open_unet(cpu, tiny, rows_differ=True)
    inputs = _inputs(inside, [981, 3])
    np.testing.assert_array_equal(outside.predict(**inputs), inside.predict(**inputs))


def test_the_encoder_of_2024_is_made_as_it_was(tiny_2024: ModelFolder, cpu: SessionFactory) -> None:
    encoder = cpu.open(tiny_2024, "vae_encoder")
    image = np.zeros((1, 3, 64, 64), np.float32)
    assert encoder.run({"sample": image})["latent_sample"].shape == (1, 4, 8, 8)


def test_one_session_in_two_threads_is_right(tiny: ModelFolder, cpu: SessionFactory) -> None:
    unet = open_unet(cpu, tiny, rows_differ=True)
    wanted = [unet.predict(**_inputs(unet, [981], seed)) for seed in range(4)]
    with ThreadPoolExecutor(2) as pool:
        got = list(pool.map(lambda seed: unet.predict(**_inputs(unet, [981], seed)), range(4)))
    for ours, theirs in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_cuda_asked_for_and_not_got_is_an_error() -> None:
    if cuda_works(0):
        pytest.skip("this machine has CUDA")
    with pytest.raises(ModelError) as caught:
        SessionFactory(provider="cuda")
    assert caught.value.key in {"provider_unavailable", "provider_library_missing"}
    assert caught.value.data["wanted"] == CUDA


def test_auto_takes_the_cpu_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    if cuda_works(0):
        pytest.skip("this machine has CUDA")
    with caplog.at_level(logging.INFO):
        assert SessionFactory(provider="auto").provider == CPU
    assert "drawing on the CPU" in caplog.text


def test_what_was_compiled_in_proves_nothing() -> None:
    """The trap itself: the list has CUDA, a session asked for it runs on the CPU all the same."""
    compiled_in: list[str] = ort.get_available_providers()
    if CUDA not in compiled_in or cuda_works(0):
        pytest.skip("needs onnxruntime-gpu on a machine without CUDA")
    assert not cuda_works(0)


def test_both_runtimes_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not both_runtimes_installed()
    monkeypatch.setattr(providers.metadata, "version", lambda name: "1.31.1")
    assert both_runtimes_installed()
    assert metadata is providers.metadata


def test_a_damaged_graph_is_a_model_error(
    tiny: ModelFolder, cpu: SessionFactory, tmp_path: Path
) -> None:
    shutil.copytree(tiny.path, tmp_path / "model")
    (tmp_path / "model" / "vae_decoder" / "model.onnx").write_bytes(b"not a model")
    with pytest.raises(ModelError) as caught:
        cpu.open(dataclasses.replace(tiny, path=tmp_path / "model"), "vae_decoder")
    assert caught.value.key == "model_unreadable"


def test_a_wrong_input_is_an_engine_error(tiny: ModelFolder, cpu: SessionFactory) -> None:
    unet = open_unet(cpu, tiny, rows_differ=True)
    inputs = _inputs(unet, [981])
    inputs["pooled"] = np.zeros((1, 3), np.float32)
    with pytest.raises(EngineError) as caught:
        unet.predict(**inputs)
    assert caught.value.key == "inference_failed"


def test_threads_never_exceed_the_machine() -> None:
    assert 1 <= default_threads() <= (os.cpu_count() or 1)

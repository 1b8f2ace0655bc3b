# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportUnknownLambdaType=false
# (the border to onnx and onnxruntime, whose types are missing)
"""A model folder says what it is, or plainly what is wrong with it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest

from data.shipped.text import text
from pipeline.errors import ModelError
from pipeline.model.folder import ModelFolder


@pytest.fixture
def copy(tiny_path: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    shutil.copytree(tiny_path, folder)
    return folder


def _refused(folder: Path) -> ModelError:
    with pytest.raises(ModelError) as caught:
        ModelFolder.open(folder)
    data: dict[str, Any] = caught.value.data
    assert text(f"errors.{caught.value.key}", **data)
    return caught.value


def test_reads_everything_that_differs_between_models(
    tiny: ModelFolder, tiny_v: ModelFolder
) -> None:
    assert (tiny.vae_scale_factor, tiny.latent_channels, tiny.size_multiple) == (8, 4, 32)
    assert tiny.scheduler["prediction_type"] == "epsilon"
    assert tiny.scheduler["timestep_spacing"] == "leading"
    assert tiny.scaling_factor == pytest.approx(0.13025)
    assert (tiny_v.vae_scale_factor, tiny_v.latent_channels) == (16, 8)
    assert tiny_v.scheduler["prediction_type"] == "v_prediction"
    assert tiny_v.scheduler["timestep_spacing"] == "trailing"
    assert "noise" in tiny.notice
    assert (tiny.upscale_strength, tiny.upscale_pixels) == (0.55, False)


@pytest.mark.parametrize("strength", [0, 0.01, 1.5, -1])
def test_a_strength_that_nobody_could_upscale_with_is_refused(
    demo_path: Path, tmp_path: Path, strength: float
) -> None:
    shutil.copytree(demo_path, tmp_path / "model")
    card = tmp_path / "model" / "ekaki.json"
    card.write_text(json.dumps({"upscale_strength": strength}))
    with pytest.raises(ModelError) as caught:
        ModelFolder.open(tmp_path / "model")
    assert caught.value.key == "model_config_wrong"


def test_a_unet_traced_at_odd_sizes_takes_every_multiple_of_the_vae(demo_path: Path) -> None:
    folder = ModelFolder.open(demo_path)
    assert (folder.vae_scale_factor, folder.latent_channels) == (64, 16)
    assert folder.size_multiple == 64


def _change(path: str, **entries: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        config = json.loads((folder / path).read_text())
        (folder / path).write_text(json.dumps({**config, **entries}))

    return change


def _remove(path: str) -> Callable[[Path], None]:
    return lambda folder: (folder / path).unlink()


def _cut(path: str) -> Callable[[Path], None]:
    def cut(folder: Path) -> None:
        data = (folder / path).read_bytes()
        (folder / path).write_bytes(data[: len(data) // 2])

    return cut


def _refiner(folder: Path) -> None:
    _change("model_index.json", text_encoder=[None, None])(folder)
    shutil.rmtree(folder / "text_encoder")


def _torch_only(folder: Path) -> None:
    for file in folder.rglob("*.onnx"):
        file.rename(file.with_name("model.safetensors"))


@pytest.mark.parametrize(
    ("damage", "key"),
    [
        (_remove("model_index.json"), "model_index_missing"),
        (_remove("unet/model.onnx"), "model_component_missing"),
        (_remove("vae_decoder/config.json"), "model_component_missing"),
        (_remove("scheduler/scheduler_config.json"), "model_component_missing"),
        (_remove("tokenizer_2/merges.txt"), "model_component_missing"),
        (_cut("unet/model.onnx"), "model_incomplete"),
        (lambda folder: (folder / "vae_decoder/model.onnx").write_bytes(b""), "model_incomplete"),
        (lambda folder: (folder / "unet/x.incomplete").touch(), "model_unfinished"),
        (_cut("unet/config.json"), "model_config_wrong"),
        (
            _change("scheduler/scheduler_config.json", prediction_type="flow"),
            "model_config_wrong",
        ),
        (_change("scheduler/scheduler_config.json", beta_start="small"), "model_config_wrong"),
        (_change("scheduler/scheduler_config.json", steps_offset=0.5), "model_config_wrong"),
        (_change("model_index.json", _class_name="StableDiffusionPipeline"), "model_not_sdxl"),
        (_refiner, "model_not_sdxl"),
        (_change("vae_decoder/config.json", latents_mean=[None]), "model_config_wrong"),
        (_torch_only, "model_not_onnx"),
    ],
)
def test_says_what_is_wrong(damage: Callable[[Path], object], key: str, copy: Path) -> None:
    damage(copy)
    assert _refused(copy).key == key


@pytest.mark.parametrize("inside", ["model", "snapshots/0123"])
def test_the_folder_above_a_model_is_told_where_it_is(
    inside: str, tiny_path: Path, tmp_path: Path
) -> None:
    (tmp_path / inside).parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(tiny_path, tmp_path / inside)
    error = _refused(tmp_path)
    assert (error.key, error.data["found"]) == ("model_index_below", str(tmp_path / inside))


def test_an_index_without_the_first_text_encoder_is_no_refiners_if_the_encoder_is_there(
    copy: Path,
) -> None:
    index = json.loads((copy / "model_index.json").read_text())
    del index["text_encoder"]
    (copy / "model_index.json").write_text(json.dumps(index))
    assert ModelFolder.open(copy).has("text_encoder")
    shutil.rmtree(copy / "text_encoder")
    assert _refused(copy).key == "model_not_sdxl"


def test_a_missing_folder(tmp_path: Path) -> None:
    assert _refused(tmp_path / "nowhere").key == "model_folder_missing"


def _outside(folder: Path) -> Path:
    """Move the UNet's weights into `model.onnx_data`, as large exports have them."""
    path = folder / "unet" / "model.onnx"
    model = onnx.load(path)
    onnx.save_model(
        model, path, save_as_external_data=True, location="model.onnx_data", size_threshold=0
    )
    return folder / "unet" / "model.onnx_data"


def test_weights_outside_the_graph_must_be_whole(copy: Path) -> None:
    weights = _outside(copy)
    assert ModelFolder.open(copy).weight_bytes("unet") > weights.stat().st_size
    weights.write_bytes(weights.read_bytes()[:-1])
    assert _refused(copy).data == {"name": "unet/model.onnx_data"}
    weights.unlink()
    assert _refused(copy).key == "model_incomplete"


def test_without_an_encoder_pictures_can_still_be_drawn(copy: Path) -> None:
    shutil.rmtree(copy / "vae_encoder")
    assert not ModelFolder.open(copy).has("vae_encoder")


def test_the_hash_names_the_weights_and_nothing_else(copy: Path, tiny: ModelFolder) -> None:
    assert len(tiny.content_hash) == 10
    (copy / "ekaki.json").write_text('{"name": "renamed"}')
    assert ModelFolder.open(copy).content_hash == tiny.content_hash
    graph = onnx.load(copy / "unet" / "model.onnx")
    graph.graph.initializer[0].name += "_"
    onnx.save(graph, copy / "unet" / "model.onnx")
    assert ModelFolder.open(copy).content_hash != tiny.content_hash

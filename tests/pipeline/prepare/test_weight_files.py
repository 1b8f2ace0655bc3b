# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportAttributeAccessIssue=false
# (the border to onnx, whose protobuf classes are untyped)
"""Weights are found wherever a graph may keep them: beside it by any name, in Constant nodes,
behind the links of the hub's cache; and nowhere else."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest

from bot.config.settings import Settings
from bot.doctor.model import check_model
from pipeline.engine.unet import open_unet
from pipeline.engine.vae.encoder import VaeEncoder
from pipeline.errors import ModelError
from pipeline.model.folder import ModelFolder
from pipeline.model.options import Variant
from pipeline.onnx.bare_graph import INLINE_BYTES
from pipeline.prepare.sources import check_hashes
from pipeline.runtime.sessions import SessionFactory
from tests.pipeline.own_model import Quiet, make_request, open_own
from tests.pipeline.preparing import Shared, make
from tests.support.hub_cache import to_hub_cache

Array = npt.NDArray[Any]

GRAPHS = ("unet", "text_encoder", "text_encoder_2", "vae_decoder", "vae_encoder")


def in_one_file(path: Path, name: str = "model.onnx_data") -> None:
    onnx.save_model(
        onnx.load(path), path, save_as_external_data=True, location=name, size_threshold=100
    )


def in_a_file_for_each(path: Path) -> None:
    onnx.save_model(
        onnx.load(path),
        path,
        save_as_external_data=True,
        all_tensors_to_one_file=False,
        size_threshold=100,
    )


def by_another_name(path: Path) -> None:
    in_one_file(path, "weights.pb")


def in_a_folder(path: Path) -> None:
    """One file, in a folder of its own."""
    in_one_file(path, "weights.bin")
    (path.parent / "data").mkdir()
    (path.parent / "weights.bin").rename(path.parent / "data" / "weights.bin")
    model = onnx.load(path, load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = "data/weights.bin"
    onnx.save(model, path)


def _to_constants(path: Path) -> onnx.ModelProto:
    model = onnx.load(path)
    for tensor in list(model.graph.initializer):
        node = onnx.helper.make_node("Constant", [], [tensor.name], value=tensor)
        model.graph.node.insert(0, node)
    del model.graph.initializer[:]
    return model


def in_constants(path: Path) -> None:
    """Attributes of Constant nodes, in a file, as FORCE_ONNX_EXTERNAL_DATA leaves them."""
    onnx.save_model(
        _to_constants(path),
        path,
        save_as_external_data=True,
        location="model.onnx_data",
        size_threshold=100,
        convert_attribute=True,
    )


def in_constants_inside(path: Path) -> None:
    onnx.save_model(_to_constants(path), path)


WAYS = (
    in_one_file,
    by_another_name,
    in_a_file_for_each,
    in_a_folder,
    in_constants,
    in_constants_inside,
)


@pytest.fixture
def copy(tiny_path: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    shutil.copytree(tiny_path, folder)
    return folder


def all_below(folder: Path) -> int:
    files = [file for file in folder.rglob("*") if file.is_file() and file.suffix != ".json"]
    return sum(file.stat().st_size for file in files)


def content_of(folder: Path, component: str) -> tuple[list[str], dict[str, Array]]:
    """The kinds of a graph's nodes in their order, and its weights by name. Small tensors may
    stay in Constant nodes, and have other names by Identity: without those."""
    graph = onnx.load(folder / component / "model.onnx").graph
    arrays = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
    weights = {name: values for name, values in arrays.items() if values.nbytes >= INLINE_BYTES}
    kinds = [node.op_type for node in graph.node]
    return [kind for kind in kinds if kind not in {"Constant", "Identity"}], weights


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("way", WAYS)
def test_weights_are_counted_and_prepared_wherever_they_lie(
    way: Callable[[Path], None],
    copy: Path,
    mapped: SessionFactory,
    tiny: ModelFolder,
    shared: Shared,
) -> None:
    for name in GRAPHS:
        way(copy / name / "model.onnx")
    source = ModelFolder.open(copy)
    for component in ("unet", "text_encoder_2"):
        assert source.weight_bytes(component) == all_below(copy / component)
    made = make(source, copy.parent / "models", "fp32", mapped)
    plain = shared(tiny, "fp32").path
    assert made.manifest.files["unet/model.onnx_data"].size_bytes > source.weight_bytes("unet") / 2
    for component in GRAPHS:
        kinds, weights = content_of(made.path, component)
        same_kinds, same_weights = content_of(plain, component)
        assert kinds == same_kinds
        assert weights.keys() == same_weights.keys()
        for name, values in weights.items():
            np.testing.assert_array_equal(values, same_weights[name])
    graph = onnx.load(made.path / "unet" / "model.onnx", load_external_data=False).graph
    large = [node for node in graph.node if node.op_type == "Constant" and node.ByteSize() > 1024]
    assert not large


@pytest.mark.parametrize("way", WAYS)
def test_a_hubs_cache_is_a_models_folder(
    way: Callable[[Path], None],
    copy: Path,
    cpu: SessionFactory,
    mapped: SessionFactory,
    tmp_path: Path,
) -> None:
    for name in GRAPHS:
        way(copy / name / "model.onnx")
    plain, cached = ModelFolder.open(copy), ModelFolder.open(to_hub_cache(copy, tmp_path / "hub"))
    assert cached.content_hash == plain.content_hash
    assert cached.weight_bytes("unet") == plain.weight_bytes("unet")
    for factory in (cpu, mapped):
        for name in ("text_encoder", "vae_decoder"):
            factory.open(cached, name)
        open_unet(factory, cached, rows_differ=True)  # its graph is changed on the way


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("model", ["tiny_path", "tiny_2024_path"])
def test_a_hubs_cache_is_prepared_and_drawn_with(
    model: str, mapped: SessionFactory, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(request.getfixturevalue(model), folder)
    for name in GRAPHS:
        in_one_file(folder / name / "model.onnx")
    cache = to_hub_cache(folder, tmp_path / "hub")
    source, plain = ModelFolder.open(cache), ModelFolder.open(folder)
    VaeEncoder.open(source, mapped)  # the encoder of 2024 is cut at the mean on the way
    variants: tuple[Variant, ...] = ("fp32", "int8")
    for variant in variants:
        made = make(source, tmp_path / "models", variant, mapped)
        same = make(plain, tmp_path / "plain", variant, mapped)
        assert made.manifest.files == same.manifest.files
        assert not [file for file in made.path.rglob("*") if file.is_symlink()]
    pictures = [
        np.asarray(open_own(path).draw(make_request(), 0, Quiet()).image, np.int16)
        for path in (cache, folder)
    ]
    np.testing.assert_array_equal(pictures[0], pictures[1])


def test_the_doctor_sees_a_hubs_cache(copy: Path, tmp_path: Path) -> None:
    cache = to_hub_cache(copy, tmp_path / "hub")
    settings = Settings(model=str(cache), models_dir=tmp_path, provider="cpu", data_dir=tmp_path)
    checks = {check.name: check for check in check_model(settings)}
    assert "fail" not in {check.result for check in checks.values()}
    assert "Model" in checks
    above = Settings(
        model=str(cache.parents[1]), models_dir=tmp_path, provider="cpu", data_dir=tmp_path
    )
    (found,) = check_model(above)
    assert str(cache) in found.found


def test_a_model_in_a_cache_is_named_as_its_repository(copy: Path, tmp_path: Path) -> None:
    (copy / "ekaki.json").unlink()
    assert ModelFolder.open(to_hub_cache(copy, tmp_path / "hub")).name == "name"


def test_the_names_of_a_cache_are_the_published_hashes(copy: Path, tmp_path: Path) -> None:
    source = ModelFolder.open(to_hub_cache(copy, tmp_path / "hub"))
    check_hashes(source, progress=lambda _: None)
    blob = source.onnx_file("unet").resolve()
    content = bytearray(blob.read_bytes())
    content[len(content) // 2] ^= 1
    blob.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        check_hashes(source, progress=lambda _: None)
    assert caught.value.key == "source_altered"


def test_a_cache_that_lost_a_file_is_incomplete(copy: Path, tmp_path: Path) -> None:
    in_one_file(copy / "unet" / "model.onnx")
    cache = to_hub_cache(copy, tmp_path / "hub")
    (cache / "unet" / "model.onnx_data").resolve().unlink()
    with pytest.raises(ModelError) as caught:
        ModelFolder.open(cache)
    assert caught.value.data == {"name": "unet/model.onnx_data"}


@pytest.mark.usefixtures("unchecked")
def test_a_folder_or_component_may_be_a_link(copy: Path, mapped: SessionFactory) -> None:
    in_one_file(copy / "unet" / "model.onnx")
    (copy / "unet").rename(copy.parent / "elsewhere")
    (copy / "unet").symlink_to(copy.parent / "elsewhere")
    (copy.parent / "models").mkdir()
    (copy.parent / "linked").symlink_to(copy.parent / "models")
    make(ModelFolder.open(copy), copy.parent / "linked", "fp32", mapped)


def _named(path: Path, location: str) -> None:
    model = onnx.load(path, load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = location
    onnx.save(model, path)


@pytest.mark.parametrize(
    "location", ["../weights", "data/../../weights", "/weights", "C:\\weights", "..\\weights"]
)
def test_a_graph_that_names_a_file_elsewhere_is_refused(location: str, copy: Path) -> None:
    path = copy / "unet" / "model.onnx"
    in_one_file(path)
    shutil.copyfile(path.with_name("model.onnx_data"), copy / "weights")
    _named(path, str(copy / "weights") if location == "/weights" else location)
    with pytest.raises(ModelError) as caught:
        ModelFolder.open(copy)
    assert caught.value.key == "model_data_elsewhere"


@pytest.mark.parametrize("relative", [True, False])
def test_a_link_that_leads_elsewhere_is_refused(relative: bool, copy: Path, tmp_path: Path) -> None:
    """ONNX Runtime does not follow it either."""
    path = copy / "unet" / "model.onnx"
    in_one_file(path)
    weights = path.with_name("model.onnx_data")
    weights.rename(tmp_path / "weights")
    target = tmp_path / "weights"
    weights.symlink_to(os.path.relpath(target, weights.parent) if relative else target)
    with pytest.raises(ModelError) as caught:
        ModelFolder.open(copy)
    assert caught.value.key == "model_data_elsewhere"


def test_a_pointer_of_git_lfs_is_told(copy: Path) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 9\n"
    path = copy / "unet" / "model.onnx"
    in_one_file(path)
    for name in ("model.onnx_data", "model.onnx"):
        (copy / "unet" / name).write_text(pointer)
        with pytest.raises(ModelError) as caught:
            ModelFolder.open(copy)
        assert (caught.value.key, caught.value.data["name"]) == ("model_pointer", f"unet/{name}")

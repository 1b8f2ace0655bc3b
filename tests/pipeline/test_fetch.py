# pyright: reportUnknownMemberType=false
# (the border to onnx, whose protobuf classes are untyped)
"""Fetching from a small hub of our own on the loopback, as the public one answers."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest
from huggingface_hub.errors import OfflineModeIsEnabled

from bot.common.wording import words
from pipeline import download
from pipeline.errors import ModelError
from pipeline.fetch import fetch_files, fetch_model, fetch_tagger
from pipeline.model.options import EngineOptions
from pipeline.model.source import open_source
from tests.support.hub import COMMIT, Hub, serve_hub
from tests.support.tagger import make_tagger


@pytest.fixture
def hub(tiny_path: Path) -> Iterator[Hub]:
    with serve_hub(tiny_path) as server:
        yield server


def _fetch(hub: Hub, models_dir: Path) -> Path:
    lines: list[str] = []
    fetched = fetch_model("owner/name", COMMIT, models_dir, progress=lines.append, endpoint=hub.url)
    assert fetched.commit == COMMIT
    assert lines
    return fetched.path


def test_brings_the_whole_model(hub: Hub, tiny_path: Path, tmp_path: Path) -> None:
    path = _fetch(hub, tmp_path)
    assert path == tmp_path / "owner--name" / COMMIT
    for name in ("unet/model.onnx", "tokenizer/vocab.json", "model_index.json"):
        assert (path / name).read_bytes() == (tiny_path / name).read_bytes()


def test_goes_on_where_it_was_cut_off(hub: Hub, tiny_path: Path, tmp_path: Path) -> None:
    """huggingface_hub writes 10 MB at once: what was cut within the second is asked for again."""
    hub.root = tmp_path / "large"
    shutil.copytree(tiny_path, hub.root)
    weights = bytes(range(256)) * 100_000
    (hub.root / "unet" / "large.onnx_data").write_bytes(weights)
    hub.cut_after = 15_000_000
    path = _fetch(hub, tmp_path / "models")
    assert [asked.split("-")[0] for asked in hub.ranges] == [f"bytes={10 * 2**20}"]
    assert (path / "unet" / "large.onnx_data").read_bytes() == weights


def test_weights_by_any_name_follow_the_graphs_that_name_them(
    hub: Hub, tiny_path: Path, tmp_path: Path
) -> None:
    hub.root = tmp_path / "hub"
    shutil.copytree(tiny_path, hub.root)
    for part, in_one in (("unet", True), ("text_encoder_2", False)):
        path = hub.root / part / "model.onnx"
        onnx.save_model(
            onnx.load(path),
            path,
            save_as_external_data=True,
            location="weights.pb",
            size_threshold=100,
            all_tensors_to_one_file=in_one,
        )
    (hub.root / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"not wanted")
    path = _fetch(hub, tmp_path / "models")
    assert (path / "unet" / "weights.pb").stat().st_size > 10**6
    assert len(list((path / "text_encoder_2").iterdir())) > 10
    assert not (path / "unet" / "diffusion_pytorch_model.bin").exists()


def _refused(hub: Hub, models_dir: Path) -> ModelError:
    with pytest.raises(ModelError) as caught:
        _fetch(hub, models_dir)
    return caught.value


@pytest.mark.parametrize(
    "name", ["unet/model.onnx", "tokenizer/vocab.json", "model_index.json", "unet/config.json"]
)
def test_what_the_hub_itself_lacks_is_told_before_a_byte_comes(
    name: str, hub: Hub, tiny_path: Path, tmp_path: Path
) -> None:
    """Fetching it again would not help."""
    hub.root = tmp_path / "hub"
    shutil.copytree(tiny_path, hub.root)
    (hub.root / name).unlink()
    error = _refused(hub, tmp_path / "models")
    assert (error.key, error.data["name"]) == ("repository_incomplete", name)
    assert not list((tmp_path / "models").rglob("*.json"))


def test_weights_that_the_hub_lacks_or_has_in_part_are_told(
    hub: Hub, tiny_path: Path, tmp_path: Path
) -> None:
    hub.root = tmp_path / "hub"
    shutil.copytree(tiny_path, hub.root)
    path = hub.root / "unet" / "model.onnx"
    onnx.save_model(onnx.load(path), path, save_as_external_data=True, location="weights.pb")
    weights = path.with_name("weights.pb")
    weights.write_bytes(weights.read_bytes()[:-1])
    error = _refused(hub, tmp_path / "models")
    assert (error.key, error.data["name"]) == ("repository_incomplete", "unet/weights.pb")
    weights.unlink()
    assert _refused(hub, tmp_path / "others").key == "repository_incomplete"


def test_a_repository_of_pytorch_is_told(hub: Hub, tiny_path: Path, tmp_path: Path) -> None:
    hub.root = tmp_path / "hub"
    shutil.copytree(tiny_path, hub.root)
    for file in hub.root.rglob("*.onnx"):
        file.rename(file.with_name("diffusion_pytorch_model.safetensors"))
    error = _refused(hub, tmp_path / "models")
    assert error.key == "repository_not_onnx"
    assert not list((tmp_path / "models").rglob("*.safetensors"))


def test_that_the_client_is_told_to_stay_offline_is_told(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*_args: object, **_rest: object) -> None:
        raise OfflineModeIsEnabled("HF_HUB_OFFLINE")

    monkeypatch.setattr(download.HfApi, "model_info", offline)
    assert _refused(hub, tmp_path).key == "hub_offline"


def test_a_download_that_did_not_end_says_how_to_go_on(hub: Hub, tmp_path: Path) -> None:
    path = _fetch(hub, tmp_path)
    options = EngineOptions(model="owner/name", revision=COMMIT, models_dir=tmp_path)
    assert open_source(options).path == path
    for name in ("unet/model.onnx", "model_index.json"):
        (path / name).unlink()
        with pytest.raises(ModelError) as caught:
            open_source(options)
        assert caught.value.key == "download_incomplete"
        assert caught.value.data["name"] == name
        with pytest.raises(ModelError) as caught:  # as a folder it is nothing to fetch
            open_source(EngineOptions(model=str(path), models_dir=tmp_path))
        assert "fetch" not in words(caught.value)
        _fetch(hub, tmp_path)
        assert open_source(options).path == path


def test_an_unknown_repository(hub: Hub, tmp_path: Path) -> None:
    hub.status = 404
    with pytest.raises(ModelError) as caught:
        _fetch(hub, tmp_path)
    assert caught.value.key == "model_unknown"


def test_no_network(hub: Hub, tmp_path: Path) -> None:
    hub.shutdown()
    hub.server_close()
    with pytest.raises(ModelError) as caught:
        _fetch(hub, tmp_path)
    assert caught.value.key == "hub_unreachable"


def test_a_full_disk_is_seen_first(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "SPARE_BYTES", 10**18)
    with pytest.raises(ModelError) as caught:
        _fetch(hub, tmp_path)
    assert caught.value.key == "disk_too_small"
    assert not list(tmp_path.rglob("*.onnx"))


def test_brings_the_tagger_alone_and_goes_on_where_it_was(hub: Hub, tmp_path: Path) -> None:
    hub.root = make_tagger(tmp_path / "hub")
    (hub.root / "model.safetensors").write_bytes(b"not wanted")
    graph = (hub.root / "model.onnx").read_bytes() + bytes(15_000_000)  # as long as a real one
    (hub.root / "model.onnx").write_bytes(graph)
    hub.cut_after = 12_000_000
    lines: list[str] = []
    fetched = fetch_tagger(
        tmp_path / "models",
        progress=lines.append,
        endpoint=hub.url,
        revision=COMMIT,
    )
    assert fetched.path == tmp_path / "models" / "SmilingWolf--wd-vit-tagger-v3" / COMMIT
    assert (fetched.path / "model.onnx").read_bytes() == graph
    assert [asked.split("-")[0] for asked in hub.ranges] == [f"bytes={10 * 2**20}"]
    names = {file.name for file in fetched.path.iterdir() if file.is_file()}
    assert names == {"model.onnx", "selected_tags.csv"}


def test_a_repository_without_a_tagger_is_told(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        fetch_tagger(
            tmp_path,
            progress=list[str]().append,
            endpoint=hub.url,
            repository="owner/name",
            revision=COMMIT,
        )
    assert caught.value.key == "tagger_missing"


def test_single_files_are_compared_with_their_hashes(hub: Hub, tmp_path: Path) -> None:
    hub.root = tmp_path / "hub"
    hub.root.mkdir()
    (hub.root / "few.bin").write_bytes(b"weights")
    (hub.root / "other.bin").write_bytes(b"not wanted")
    right = hashlib.sha256(b"weights").hexdigest()

    def get(models_dir: Path, hashes: dict[str, str]) -> Path:
        return fetch_files(
            "owner/name", COMMIT, models_dir, hashes, progress=print, endpoint=hub.url
        ).path

    path = get(tmp_path / "models", {"few.bin": right})
    assert (path / "few.bin").read_bytes() == b"weights"
    assert not (path / "other.bin").exists()
    with pytest.raises(ModelError) as caught:
        get(tmp_path / "models", {"few.bin": "0" * 64})
    assert caught.value.key == "download_altered"
    assert not (path / "few.bin").exists(), "the next attempt downloads it again"
    with pytest.raises(ModelError) as caught:
        get(tmp_path / "models", {"few.bin": right, "config.json": ""})
    assert (caught.value.key, caught.value.data["name"]) == ("repository_incomplete", "config.json")
    assert get(tmp_path / "models", {"few.bin": ""}) == path

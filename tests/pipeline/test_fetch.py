"""Fetching from a small hub of our own on the loopback, as the public one answers."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import ModelError
from pipeline.model import fetch
from pipeline.model.fetch import fetch_model, fetch_tagger
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
    monkeypatch.setattr(fetch, "SPARE_BYTES", 10**18)
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

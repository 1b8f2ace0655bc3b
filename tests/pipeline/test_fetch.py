"""Fetching from a small hub of our own on the loopback, as the public one answers."""

import hashlib
import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ModelError
from pipeline.model import fetch
from pipeline.model.fetch import fetch_model, fetch_tagger
from tests.support.tagger import make_tagger

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class _Hub(http.server.ThreadingHTTPServer):
    root: Path
    status = 200
    cut_after: int | None = None  # bytes after which the next large answer breaks off, once
    ranges: list[str]


class _Answer(http.server.BaseHTTPRequestHandler):
    server: _Hub  # pyright: ignore[reportIncompatibleVariableOverride]  # only it makes these

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def do_HEAD(self) -> None:
        self._file(body=False)

    def do_GET(self) -> None:
        if self.path.startswith("/api/models/"):
            self._info()
        else:
            self._file(body=True)

    def _info(self) -> None:
        files = [file for file in self.server.root.rglob("*") if file.is_file()]
        names = [
            {"rfilename": f.relative_to(self.server.root).as_posix(), "size": f.stat().st_size}
            for f in files
        ]
        answer = json.dumps({"id": "owner/name", "sha": COMMIT, "siblings": names}).encode()
        self.send_response(self.server.status)
        if self.server.status == 404:
            self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _file(self, *, body: bool) -> None:
        data = (self.server.root / self.path.split(f"/resolve/{COMMIT}/")[1]).read_bytes()
        etag = hashlib.sha256(data).hexdigest()
        start = 0
        asked = self.headers.get("Range")
        if body and asked:
            self.server.ranges.append(asked)
            start = int(asked.removeprefix("bytes=").split("-")[0])
        self.send_response(206 if start else 200)
        self.send_header("ETag", f'"{etag}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(data) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if body:
            self._send(data[start:])

    def _send(self, data: bytes) -> None:
        cut = self.server.cut_after
        if cut is not None and len(data) > cut:
            self.server.cut_after = None
            self.wfile.write(data[:cut])
            self.close_connection = True
        else:
            self.wfile.write(data)


@pytest.fixture
def hub(tiny_path: Path) -> Iterator[_Hub]:
    server = _Hub(("127.0.0.1", 0), _Answer)
    server.root, server.ranges = tiny_path, []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def _fetch(hub: _Hub, models_dir: Path) -> Path:
    endpoint = f"http://127.0.0.1:{hub.server_port}"
    lines: list[str] = []
    fetched = fetch_model(
        "owner/name", COMMIT, models_dir, progress=lines.append, endpoint=endpoint
    )
    assert fetched.commit == COMMIT
    assert lines
    return fetched.path


def test_brings_the_whole_model(hub: _Hub, tiny_path: Path, tmp_path: Path) -> None:
    path = _fetch(hub, tmp_path)
    assert path == tmp_path / "owner--name" / COMMIT
    for name in ("unet/model.onnx", "tokenizer/vocab.json", "model_index.json"):
        assert (path / name).read_bytes() == (tiny_path / name).read_bytes()


def test_goes_on_where_it_was_cut_off(hub: _Hub, tiny_path: Path, tmp_path: Path) -> None:
    """huggingface_hub writes 10 MB at once: what was cut within the second is asked for again."""
    hub.root = tmp_path / "large"
    shutil.copytree(tiny_path, hub.root)
    weights = bytes(range(256)) * 100_000
    (hub.root / "unet" / "large.onnx_data").write_bytes(weights)
    hub.cut_after = 15_000_000
    path = _fetch(hub, tmp_path / "models")
    assert [asked.split("-")[0] for asked in hub.ranges] == [f"bytes={10 * 2**20}"]
    assert (path / "unet" / "large.onnx_data").read_bytes() == weights


def test_an_unknown_repository(hub: _Hub, tmp_path: Path) -> None:
    hub.status = 404
    with pytest.raises(ModelError) as caught:
        _fetch(hub, tmp_path)
    assert caught.value.key == "model_unknown"


def test_no_network(hub: _Hub, tmp_path: Path) -> None:
    hub.shutdown()
    hub.server_close()
    with pytest.raises(ModelError) as caught:
        _fetch(hub, tmp_path)
    assert caught.value.key == "hub_unreachable"


def test_a_full_disk_is_seen_first(
    hub: _Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "SPARE_BYTES", 10**18)
    with pytest.raises(ModelError) as caught:
        _fetch(hub, tmp_path)
    assert caught.value.key == "disk_too_small"
    assert not list(tmp_path.rglob("*.onnx"))


def test_brings_the_tagger_alone_and_goes_on_where_it_was(hub: _Hub, tmp_path: Path) -> None:
    hub.root = make_tagger(tmp_path / "hub")
    (hub.root / "model.safetensors").write_bytes(b"not wanted")
    graph = (hub.root / "model.onnx").read_bytes() + bytes(15_000_000)  # as long as a real one
    (hub.root / "model.onnx").write_bytes(graph)
    hub.cut_after = 12_000_000
    lines: list[str] = []
    fetched = fetch_tagger(
        tmp_path / "models",
        progress=lines.append,
        endpoint=f"http://127.0.0.1:{hub.server_port}",
        revision=COMMIT,
    )
    assert fetched.path == tmp_path / "models" / "SmilingWolf--wd-vit-tagger-v3" / COMMIT
    assert (fetched.path / "model.onnx").read_bytes() == graph
    assert [asked.split("-")[0] for asked in hub.ranges] == [f"bytes={10 * 2**20}"]
    names = {file.name for file in fetched.path.iterdir() if file.is_file()}
    assert names == {"model.onnx", "selected_tags.csv"}


def test_a_repository_without_a_tagger_is_told(hub: _Hub, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        fetch_tagger(
            tmp_path,
            progress=list[str]().append,
            endpoint=f"http://127.0.0.1:{hub.server_port}",
            repository="owner/name",
            revision=COMMIT,
        )
    assert caught.value.key == "tagger_missing"

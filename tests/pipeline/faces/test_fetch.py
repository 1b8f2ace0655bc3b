"""The download of the face finder: once, whole, and what was published."""

import http.server
import threading
from collections.abc import Generator
from hashlib import sha256
from pathlib import Path

import pytest

from pipeline.errors import ModelError
from pipeline.faces.fetch import fetch_faces
from pipeline.faces.sources import FILE, REPOSITORY, REVISION, WITH_MODEL, fetched_path, find_faces

CONTENT = b"<opencv_storage/>"
WANTED = sha256(CONTENT).hexdigest()


class _Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        server.asked.append(self.path)
        self.send_response(server.status)
        self.end_headers()
        self.wfile.write(CONTENT)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's
        pass


class Server(http.server.ThreadingHTTPServer):
    """Answers everything with `CONTENT`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.asked: list[str] = []
        self.status = 200

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def server() -> Generator[Server]:
    with Server() as served:
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served
        served.shutdown()
        thread.join()


def test_it_is_downloaded_once_and_then_found(server: Server, tmp_path: Path) -> None:
    lines: list[str] = []

    def fetch() -> Path:
        return fetch_faces(tmp_path, progress=lines.append, endpoint=server.endpoint, wanted=WANTED)

    path = fetch()
    assert fetch() == path
    assert path.read_bytes() == CONTENT
    assert server.asked == [f"/{REPOSITORY}/{REVISION}/{FILE}"]
    assert "MIT" in lines[0]
    assert find_faces("auto", model=tmp_path / "model", models_dir=tmp_path) == path


def test_another_content_is_not_kept(server: Server, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        fetch_faces(tmp_path, progress=print, endpoint=server.endpoint)
    assert caught.value.key == "download_altered"
    assert not fetched_path(tmp_path).exists()


def test_what_does_not_answer_is_told(server: Server, tmp_path: Path) -> None:
    server.status = 404
    with pytest.raises(ModelError) as caught:
        fetch_faces(tmp_path, progress=print, endpoint=server.endpoint, wanted=WANTED)
    assert (caught.value.key, caught.value.data["status"]) == ("hub_failed", 404)
    with pytest.raises(ModelError) as caught:
        fetch_faces(tmp_path, progress=print, endpoint="http://127.0.0.1:1", wanted=WANTED)
    assert caught.value.key == "hub_unreachable"


def test_the_models_own_comes_first_and_off_is_off(tmp_path: Path) -> None:
    own = tmp_path / "model" / WITH_MODEL
    for path in (own, fetched_path(tmp_path)):
        path.parent.mkdir(parents=True)
        path.touch()
    assert find_faces("auto", model=tmp_path / "model", models_dir=tmp_path) == own
    assert find_faces("off", model=tmp_path / "model", models_dir=tmp_path) is None
    assert find_faces(str(own), model=tmp_path, models_dir=tmp_path) == own
    with pytest.raises(ModelError):
        find_faces(str(tmp_path / "none.xml"), model=tmp_path, models_dir=tmp_path)

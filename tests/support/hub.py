"""A small model hub on the loopback, answering as the public one does."""

import hashlib
import http.server
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(http.server.ThreadingHTTPServer):
    """Has one repository, `owner/name`, whose files are those below `root`."""

    root: Path
    status = 200
    cut_after: int | None = None  # bytes after which the next large answer breaks off, once
    ranges: list[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answer(http.server.BaseHTTPRequestHandler):
    server: Hub  # pyright: ignore[reportIncompatibleVariableOverride]  # only it makes these

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


@contextmanager
def serve_hub(root: Path) -> Generator[Hub]:
    """A hub with `root`, until left."""
    server = Hub(("127.0.0.1", 0), _Answer)
    server.root, server.ranges = root, []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

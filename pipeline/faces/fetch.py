"""Downloads the face finder, which is a single small file on GitHub."""

import urllib.error
import urllib.request
from collections.abc import Callable
from hashlib import sha256
from http.client import HTTPException
from pathlib import Path
from typing import Final

from pipeline.disk import at
from pipeline.errors import ModelError
from pipeline.faces.sources import ABOUT, FILE, REPOSITORY, REVISION, SHA256, fetched_path

ENDPOINT: Final = "https://raw.githubusercontent.com"
_TIMEOUT_S: Final = 60.0
_MAX_BYTES: Final = 4 * 2**20


def fetch_faces(
    models_dir: Path,
    *,
    progress: Callable[[str], None],
    endpoint: str = ENDPOINT,
    wanted: str = SHA256,
) -> Path:
    """Download the file into `models_dir`, unless it is there. `wanted`: its SHA-256.

    Raises ModelError `hub_unreachable`, `hub_failed`, `download_altered`; StorageError.
    """
    path = fetched_path(models_dir)
    progress(f"https://github.com/{REPOSITORY}: {ABOUT}")
    with at(path):
        if path.is_file() and sha256(path.read_bytes()).hexdigest() == wanted:
            progress(f"Complete: {path}")
            return path
        content = _content(f"{endpoint}/{REPOSITORY}/{REVISION}/{FILE}")
        if sha256(content).hexdigest() != wanted:
            raise ModelError("download_altered", name=FILE, repository=REPOSITORY)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        part.write_bytes(content)
        part.replace(path)
    progress(f"Complete: {path}")
    return path


def _content(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - ours: https, or a test's
            return answer.read(_MAX_BYTES)
    except urllib.error.HTTPError as error:
        raise ModelError("hub_failed", repository=REPOSITORY, status=error.code) from error
    except (urllib.error.URLError, HTTPException, ConnectionError, TimeoutError) as error:
        raise ModelError("hub_unreachable", repository=REPOSITORY) from error

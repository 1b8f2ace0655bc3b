# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# (the border to huggingface_hub, whose types are partly missing)
"""Downloads a model once; everything afterwards works offline."""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

from huggingface_hub import HfApi
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from pipeline.disk import disk_error, is_about_files
from pipeline.errors import ModelError, StorageError
from pipeline.model.folder import ModelFolder
from pipeline.model.load import DEFAULT_REPOSITORY, DEFAULT_REVISION, repository_path
from pipeline.tagger.folder import FILES, TAGGER_REPOSITORY, TAGGER_REVISION, is_tagger

PATTERNS: Final = (
    "model_index.json",
    "ekaki.json",
    "scheduler/*.json",
    "tokenizer/*",
    "tokenizer_2/*",
    "tagger/model.onnx",
    "tagger/selected_tags.csv",
    *(
        f"{part}/{name}"
        for part in ("text_encoder", "text_encoder_2", "unet", "vae_decoder", "vae_encoder")
        for name in ("config.json", "*.onnx", "*.onnx_data", "*.onnx.data")
    ),
    "LICENSE*",
    "README.md",
)
"""What a model folder needs; PyTorch weights beside it stay where they are."""

TAGGER_PATTERNS: Final = (*FILES, "LICENSE*", "README.md")

SPARE_BYTES: Final = 512 * 2**20
"""What must stay free on the disk after the download."""

ATTEMPTS: Final = 5
"""A connection that breaks is taken up where it broke; so often in a row without a new byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """Where the model lies and the commit it is."""

    path: Path
    commit: str


def fetch_model(
    repository: str = DEFAULT_REPOSITORY,
    revision: str = DEFAULT_REVISION,
    models_dir: Path = Path("models"),
    *,
    progress: Callable[[str], None],
    endpoint: str | None = None,
) -> Fetched:
    """Download `repository` at `revision` into `models_dir`, taking up what is there already.

    Shows a progress bar a file; `progress` gets a line for each stage. `endpoint`: another hub
    than the public one. Raises ModelError `hub_unreachable`, `model_unknown`, `model_gated`,
    `hub_failed`, `disk_too_small`, or what `ModelFolder.open` finds wrong; StorageError
    `storage_read_only`.
    """
    fetched = _fetch(
        repository, revision, models_dir, patterns=PATTERNS, progress=progress, endpoint=endpoint
    )
    ModelFolder.open(fetched.path)
    progress(f"Complete: {fetched.path}")
    return fetched


def fetch_tagger(
    models_dir: Path,
    *,
    progress: Callable[[str], None],
    endpoint: str | None = None,
    repository: str = TAGGER_REPOSITORY,
    revision: str = TAGGER_REVISION,
) -> Fetched:
    """Download the output tagger as `fetch_model` does the model, with the same errors, and
    `tagger_missing` where the repository holds none."""
    fetched = _fetch(
        repository,
        revision,
        models_dir,
        patterns=TAGGER_PATTERNS,
        progress=progress,
        endpoint=endpoint,
    )
    if not is_tagger(fetched.path):
        raise ModelError("tagger_missing", path=str(fetched.path))
    progress(f"Complete: {fetched.path}")
    return fetched


def _fetch(
    repository: str,
    revision: str,
    models_dir: Path,
    *,
    patterns: Sequence[str],
    progress: Callable[[str], None],
    endpoint: str | None,
) -> Fetched:
    target = repository_path(models_dir, repository, revision)
    _make(target)
    api = HfApi(endpoint=endpoint, token=False)
    progress(f"Asking the hub about {repository} at {revision[:12]} ...")
    try:
        info = api.model_info(repository, revision=revision, files_metadata=True, timeout=30)
        missing = _missing_bytes(info, target, patterns)
        _check_disk(target, missing)
        progress(f"Downloading {missing / 1e9:.2f} GB into {target} ...")
        _download(api, repository, str(info.sha or revision), target, patterns)
    except (LocalEntryNotFoundError, OSError, HfHubHTTPError) as error:
        raise _explain(error, repository, revision, target) from error
    except _network_errors() as error:
        raise ModelError("hub_unreachable", repository=repository) from error
    return Fetched(path=target, commit=str(info.sha or revision))


def _download(
    api: HfApi, repository: str, commit: str, target: Path, patterns: Sequence[str]
) -> None:
    """Again after a break, as long as each attempt brings something."""
    failures, had = 0, _bytes_in(target)
    while True:
        try:
            api.snapshot_download(
                repository,
                revision=commit,
                allow_patterns=list(patterns),
                local_dir=target,
                max_workers=2,
            )
        except (LocalEntryNotFoundError, *_network_errors()):
            now = _bytes_in(target)
            failures, had = (0 if now > had else failures + 1), max(now, had)
            if failures >= ATTEMPTS:
                raise
        else:
            return


def _missing_bytes(info: Any, target: Path, patterns: Sequence[str]) -> int:
    """Bytes that the hub has and `target` has not; half-loaded files count in part."""
    wanted = 0
    for sibling in info.siblings or ():
        name, size = str(sibling.rfilename), int(sibling.size or 0)
        if any(fnmatch(name, pattern) for pattern in patterns):
            here = target / name
            wanted += 0 if here.is_file() and here.stat().st_size == size else size
    partly = sum(file.stat().st_size for file in target.rglob("*.incomplete"))
    return max(0, wanted - partly)


def _check_disk(target: Path, missing: int) -> None:
    free = shutil.disk_usage(target).free
    if missing and free < missing + SPARE_BYTES:
        raise ModelError(
            "disk_too_small",
            need_gb=f"{(missing + SPARE_BYTES) / 1e9:.1f}",
            have_gb=f"{free / 1e9:.1f}",
            path=str(target),
        )


def _bytes_in(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _make(target: Path) -> None:
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(error, target) from error
    if not os.access(target, os.W_OK):
        raise StorageError("storage_read_only", path=str(target))


def _network_errors() -> tuple[type[Exception], ...]:
    """What a broken or missing connection raises (huggingface_hub below 1.0 uses requests)."""
    import requests

    return (requests.exceptions.RequestException, ConnectionError, TimeoutError)


def _explain(
    error: Exception, repository: str, revision: str, target: Path
) -> ModelError | StorageError:
    """The error in our words, with its cause."""
    if isinstance(error, GatedRepoError):
        return ModelError("model_gated", repository=repository)
    if isinstance(error, RepositoryNotFoundError | RevisionNotFoundError):
        return ModelError("model_unknown", repository=repository, revision=revision)
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code if error.response is not None else "no answer"
        return ModelError("hub_failed", repository=repository, status=status)
    if isinstance(error, (LocalEntryNotFoundError, *_network_errors())):
        return ModelError("hub_unreachable", repository=repository)
    if isinstance(error, OSError) and is_about_files(error):
        return disk_error(error, target)
    return StorageError("storage_failed", path=str(target), problem=str(error))

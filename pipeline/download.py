# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# huggingface_hub is only partly typed
"""Downloads files of a repository on the hub, resuming what an earlier attempt began."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from glob import escape
from pathlib import Path
from typing import Final

import requests
from huggingface_hub import HfApi
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from pipeline.disk import disk_error, has_size, is_about_files
from pipeline.errors import ModelError, StorageError
from pipeline.model.options import repository_path

_NETWORK_ERRORS: Final = (requests.exceptions.RequestException, ConnectionError, TimeoutError)
"""What a broken or missing connection raises: huggingface_hub below 1.0 uses requests."""

SPARE_BYTES: Final = 512 * 2**20
"""What must stay free on the disk after the download."""

ATTEMPTS: Final = 5
"""An interrupted download resumes where it stopped; this often in a row without a new byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """Where the model is, and its commit."""

    path: Path
    commit: str


def download(
    repository: str,
    revision: str,
    models_dir: Path,
    *,
    patterns: Sequence[str],
    progress: Callable[[str], None],
    endpoint: str | None,
    look: Callable[[str, str, Mapping[str, int]], None] | None = None,
    further: Callable[[Path], Sequence[str]] | None = None,
) -> Fetched:
    """Download what matches `patterns`, then the files that `further` names. `look` may reject the
    hub's files, by name and size. Errors: see `pipeline.fetch.fetch_model`."""
    target = repository_path(models_dir, repository, revision)
    _make(target)
    api = HfApi(endpoint=endpoint, token=False)
    progress(f"Asking the hub about {repository} at {revision[:12]} ...")
    try:
        info = api.model_info(repository, revision=revision, files_metadata=True, timeout=30)
        commit = str(info.sha or revision)
        files = {str(each.rfilename): int(each.size or 0) for each in info.siblings or ()}
        if look is not None:
            look(repository, revision, files)
        wanted = {
            name: size
            for name, size in files.items()
            if any(fnmatch(name, pattern) for pattern in patterns)
        }
        _download(api, repository, commit, target, wanted=wanted, progress=progress)
        named = () if further is None else further(target)
        others = {name: files[name] for name in named if name in files.keys() - wanted}
        if others:
            _download(api, repository, commit, target, wanted=others, progress=progress)
    except (LocalEntryNotFoundError, OSError, HfHubHTTPError) as error:
        raise _explain(error, repository, revision, target) from error
    return Fetched(path=target, commit=commit)


def _download(
    api: HfApi,
    repository: str,
    commit: str,
    target: Path,
    *,
    wanted: Mapping[str, int],
    progress: Callable[[str], None],
) -> None:
    """Download the files `wanted`, by name and size. Retries after interruptions as long as each
    attempt makes progress."""
    missing = _missing_bytes(target, wanted)
    _check_disk(target, missing)
    progress(f"Downloading {missing / 1e9:.2f} GB into {target} ...")
    failures, had = 0, _bytes_in(target)
    while True:
        try:
            api.snapshot_download(
                repository,
                revision=commit,
                allow_patterns=[escape(name) for name in wanted],
                local_dir=target,
                max_workers=2,
            )
        except (LocalEntryNotFoundError, *_NETWORK_ERRORS):
            now = _bytes_in(target)
            failures, had = (0 if now > had else failures + 1), max(now, had)
            if failures >= ATTEMPTS:
                raise
        else:
            return


def _missing_bytes(target: Path, wanted: Mapping[str, int]) -> int:
    """Bytes of `wanted` that `target` lacks; partial files count in part."""
    missing = sum(size for name, size in wanted.items() if not has_size(target / name, size))
    partly = sum(file.stat().st_size for file in target.rglob("*.incomplete"))
    return max(0, missing - partly)


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


def _explain(
    error: Exception, repository: str, revision: str, target: Path
) -> ModelError | StorageError:
    """The error as one of ours, with its cause."""
    if isinstance(error, OfflineModeIsEnabled):
        return ModelError("hub_offline", repository=repository)
    if isinstance(error, GatedRepoError):
        return ModelError("model_gated", repository=repository)
    if isinstance(error, RepositoryNotFoundError | RevisionNotFoundError):
        return ModelError("model_unknown", repository=repository, revision=revision)
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code if error.response is not None else "no answer"
        return ModelError("hub_failed", repository=repository, status=status)
    if isinstance(error, (LocalEntryNotFoundError, *_NETWORK_ERRORS)):
        return ModelError("hub_unreachable", repository=repository)
    if isinstance(error, OSError) and is_about_files(error):
        return disk_error(error, target)
    return StorageError("storage_failed", path=str(target), problem=str(error))

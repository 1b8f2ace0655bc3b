"""Downloads a model once; everything afterwards works offline."""

import contextlib
from collections.abc import Callable, Mapping
from fnmatch import fnmatch
from glob import escape
from pathlib import Path
from typing import Final

from pipeline.download import Fetched, download
from pipeline.errors import ModelError
from pipeline.model.check import TOKENIZER_FILES
from pipeline.model.folder import COMPONENTS, REQUIRED, ModelFolder
from pipeline.model.options import DEFAULT_REPOSITORY, DEFAULT_REVISION
from pipeline.model.source import CUT_OFF
from pipeline.onnx.external_data import external_files
from pipeline.onnx.weight_files import GRAPH_NAME, is_inside
from pipeline.plan.prepared import sha256_of
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
        for part in COMPONENTS
        for name in ("config.json", "*.onnx", "*.onnx_data", "*.onnx.data")
    ),
    "LICENSE*",
    "README.md",
)
"""What a model's folder needs; PyTorch weights are not downloaded. Weights with other names follow
once the graphs that name them are here."""

_NEEDED: Final = (
    "model_index.json",
    *(f"{part}/{name}" for part in REQUIRED for name in (GRAPH_NAME, "config.json")),
    "scheduler/scheduler_config.json",
    *(f"{each}/{name}" for each in ("tokenizer", "tokenizer_2") for name in TOKENIZER_FILES),
)
_TORCH: Final = ("unet/*.safetensors", "unet/*.bin", "*.safetensors", "*.ckpt")

TAGGER_PATTERNS: Final = (*FILES, "LICENSE*", "README.md")


def fetch_model(
    repository: str = DEFAULT_REPOSITORY,
    revision: str = DEFAULT_REVISION,
    models_dir: Path = Path("models"),
    *,
    progress: Callable[[str], None],
    endpoint: str | None = None,
) -> Fetched:
    """Download `repository` at `revision` into `models_dir`, resuming what is already there.

    Shows a progress bar per file; `progress` gets a line for each stage. `endpoint`: another hub
    than the public one. Raises ModelError `hub_unreachable`, `hub_offline`, `model_unknown`,
    `model_gated`, `hub_failed`, `disk_too_small`, `repository_not_onnx`, `repository_incomplete`,
    or what `ModelFolder.open` finds wrong; StorageError `storage_read_only`.
    """
    fetched = download(
        repository,
        revision,
        models_dir,
        patterns=PATTERNS,
        progress=progress,
        endpoint=endpoint,
        look=_check_is_model,
        further=_named_by_graphs,
    )
    try:
        ModelFolder.open(fetched.path)
    except ModelError as error:
        if error.key not in CUT_OFF:
            raise
        name = error.data.get("name", "model_index.json")  # complete here, so it is complete there
        raise ModelError(
            "repository_incomplete", repository=repository, revision=revision, name=name
        ) from error
    progress(f"Complete: {fetched.path}")
    return fetched


def _check_is_model(repository: str, revision: str, files: Mapping[str, int]) -> None:
    """Reject a repository that can't become a model's folder before downloading anything."""
    missing = next((name for name in _NEEDED if name not in files), None)
    if missing is None:
        return
    has_graph = any(name.endswith(".onnx") for name in files)
    if not has_graph and any(fnmatch(name, each) for name in files for each in _TORCH):
        raise ModelError("repository_not_onnx", repository=repository)
    raise ModelError(
        "repository_incomplete", repository=repository, revision=revision, name=missing
    )


def _named_by_graphs(target: Path) -> list[str]:
    """The files that the graphs in `target` keep weights in."""
    names: list[str] = []
    for part in COMPONENTS:
        graph = target / part / GRAPH_NAME
        if graph.is_file():
            with contextlib.suppress(ValueError):  # opening it will report what is wrong
                locations = [file.location for file in external_files(graph)]
                names += [f"{part}/{location}" for location in locations if is_inside(location)]
    return names


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
    fetched = download(
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


def fetch_files(
    repository: str,
    revision: str,
    models_dir: Path,
    hashes: Mapping[str, str],
    *,
    progress: Callable[[str], None],
    endpoint: str | None = None,
) -> Fetched:
    """Download the files `hashes` names, with the SHA-256 that each must have ("": not compared),
    as `fetch_model` does, with the same errors, and `download_altered` for a file that differs,
    which is removed."""

    def look(repository: str, revision: str, files: Mapping[str, int]) -> None:
        for name in hashes:
            if name not in files:
                raise ModelError(
                    "repository_incomplete", repository=repository, revision=revision, name=name
                )

    fetched = download(
        repository,
        revision,
        models_dir,
        patterns=[escape(name) for name in hashes],
        progress=progress,
        endpoint=endpoint,
        look=look,
    )
    for name, wanted in hashes.items():
        path = fetched.path / name
        if wanted and sha256_of(path) != wanted:
            path.unlink()
            raise ModelError("download_altered", name=name, repository=repository)
    return fetched

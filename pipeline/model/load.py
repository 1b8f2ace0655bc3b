"""From settings to an engine that draws. Engines are imported only when wanted."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, assert_never

from pipeline.engine.protocol import Engine, ModelDescription
from pipeline.errors import ModelError

if TYPE_CHECKING:
    from pipeline.model.folder import ModelFolder
    from pipeline.model.prepared import Wanted

DEFAULT_REPOSITORY: Final = "ecyht2/animagine-xl-3.1-onnx"
DEFAULT_REVISION: Final = "5c2038d3a17fef59566a33fd022cd77d89fdbf84"
"""The head of the repository that the facts of this project were read from."""

EngineName = Literal["own", "stock"]

CUT_OFF: Final = frozenset(
    {"model_index_missing", "model_component_missing", "model_incomplete", "model_unfinished"}
)
"""Errors that mean, of a model that was downloaded here, that the download did not end."""

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """Which model, how and where. `model` is a local folder or a hub repository `owner/name`.

    `revision` is a commit, tag or branch, used for repositories. `threads` None: from the machine.
    `variant`: which prepared form of the model `own` draws with; `stock` always takes the source.
    """

    model: str = DEFAULT_REPOSITORY
    revision: str = DEFAULT_REVISION
    models_dir: Path
    engine: EngineName = "own"
    provider: Literal["auto", "cpu", "cuda"] = "auto"
    device_id: int = 0
    threads: int | None = None
    check_memory: bool = True
    variant: "Wanted" = "auto"


def is_repository(model: str) -> bool:
    """Whether `model` is a hub repository's name rather than a folder (an existing folder wins)."""
    return _REPOSITORY.fullmatch(model) is not None and not Path(model).is_dir()


def model_path(options: EngineOptions) -> Path:
    """The folder of the model; for a repository, where `fetch_model` puts it."""
    if not is_repository(options.model):
        return Path(options.model).expanduser()
    return repository_path(options.models_dir, options.model, options.revision)


def repository_path(models_dir: Path, repository: str, revision: str) -> Path:
    """`models_dir/owner--name/revision`."""
    return models_dir / repository.replace("/", "--") / revision.replace("/", "--")


def import_engine(engine: EngineName) -> None:
    """Import what `engine` needs, so that loading it later does not hold the interpreter."""
    if engine == "own":
        import_module("pipeline.engine.own")
    elif engine == "stock":
        import_module("pipeline.engine.stock")
    else:
        assert_never(engine)


def load_engine(options: EngineOptions, *, progress: Callable[[str], None]) -> Engine:
    """Check, load and return the engine; `progress` gets a line for each thing that takes time.

    Raises ModelError: what `ModelFolder.open` raises, `model_not_fetched`, `both_runtimes`,
    `provider_unavailable`, `memory_too_small`, `card_too_small`, `model_unreadable`,
    `scheduler_unsupported`, `prepared_missing`, `prepared_damaged`, `variant_unfit`.
    """
    from pipeline.model.place import advise, place_model
    from pipeline.model.providers import both_runtimes_installed
    from pipeline.model.text_encoder import PromptEncoder
    from pipeline.prepare.estimate import USUAL_PICTURE, about, expect_noted

    if both_runtimes_installed():
        raise ModelError("both_runtimes")
    source = open_source(options)
    place = place_model(options, source, progress)
    folder, factory = place.folder, place.factory
    if options.engine == "own" and options.variant == "auto":
        advise(options, source, place, progress)
    progress(f"Loading {folder.name} ({folder.precision}) on {place}")
    keep = place.keep_text_encoders or options.engine == "stock"
    prompts = PromptEncoder(folder, place.text_factory, keep_sessions=keep)
    expected = expect_noted(options, folder, factory)
    if expected is not None:
        took = about(expected.picture_s)
        progress(f"A picture of {USUAL_PICTURE} takes {took} here, if nothing else runs")
    description = replace(describe(options, folder, factory.provider), expected=expected)
    engine: Engine
    if options.engine == "own":
        from pipeline.engine.own import OwnEngine

        engine = OwnEngine(
            folder,
            factory,
            prompts=prompts,
            description=description,
            rows_at_once=place.rows_at_once,
            tiled_vae=place.tiled_vae,
        )
    elif options.engine == "stock":
        from pipeline.engine.stock import StockEngine

        engine = StockEngine(folder, factory, prompts=prompts, description=description)
    else:
        assert_never(options.engine)
    progress(f"{folder.name} is ready")
    return engine


def open_source(options: EngineOptions) -> "ModelFolder":
    """The model as it was downloaded or exported.

    Raises ModelError `model_not_fetched`, `download_incomplete` and what `ModelFolder.open` raises.
    """
    from pipeline.model.folder import ModelFolder

    path = model_path(options)
    if not is_repository(options.model):
        return ModelFolder.open(path)
    if not path.is_dir():
        raise ModelError("model_not_fetched", repository=options.model)
    try:
        return ModelFolder.open(path)
    except ModelError as error:
        if error.key not in CUT_OFF:
            raise
        name = error.data.get("name", "model_index.json")
        raise ModelError("download_incomplete", repository=options.model, name=name) from error


def describe(options: EngineOptions, folder: "ModelFolder", provider: str) -> ModelDescription:
    """What may be told of the model: its repository, or the local folder's name, never a path."""
    hub = is_repository(options.model)
    return ModelDescription(
        name=options.model.rpartition("/")[2] if hub else folder.name,
        repository=options.model if hub else "",
        revision=options.revision if hub else "",
        hash=folder.content_hash,
        precision=folder.precision,
        provider=provider,
        engine=options.engine,
        notice=folder.notice,
        size_multiple=folder.size_multiple,
        vae_scale_factor=folder.vae_scale_factor,
    )

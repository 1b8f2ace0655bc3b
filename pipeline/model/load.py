"""From settings to an engine that draws. Engines are imported only when wanted."""

import re
from collections.abc import Callable
from dataclasses import dataclass
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
    `provider_unavailable`, `memory_too_small`, `model_unreadable`, `scheduler_unsupported`,
    `prepared_missing`, `prepared_damaged`, `variant_unfit`.
    """
    from pipeline.model.memory_plan import plan_here
    from pipeline.model.prepared import find
    from pipeline.model.providers import CPU, both_runtimes_installed
    from pipeline.model.sessions import SessionFactory
    from pipeline.model.text_encoder import PromptEncoder

    if both_runtimes_installed():
        raise ModelError("both_runtimes")
    folder = open_source(options)
    factory = SessionFactory(
        provider=options.provider, device_id=options.device_id, threads=options.threads
    )
    if options.engine == "own":
        source = folder
        folder = find(options.models_dir, source, options.variant, factory.provider)
        if options.variant == "auto":
            _advise(options, source, folder, factory.provider, progress)
    plan = None
    if options.check_memory and factory.provider == CPU:
        plan = plan_here(folder)
        factory.mapped = plan.mapped_unet
    keep = plan is None or plan.keep_text_encoders
    device = f"{factory.provider}, {factory.threads} threads"
    progress(f"Loading {folder.name} ({folder.precision}) on {device}")
    prompts = PromptEncoder(folder, factory, keep_sessions=keep or options.engine == "stock")
    description = describe(options, folder, factory.provider)
    engine: Engine
    if options.engine == "own":
        from pipeline.engine.own import OwnEngine

        engine = OwnEngine(
            folder,
            factory,
            prompts=prompts,
            description=description,
            rows_at_once=1 if plan is not None and plan.rows_at_once == 1 else None,
        )
    elif options.engine == "stock":
        from pipeline.engine.stock import StockEngine

        engine = StockEngine(folder, factory, prompts=prompts, description=description)
    else:
        assert_never(options.engine)
    progress(f"{folder.name} is ready")
    return engine


def _advise(
    options: EngineOptions,
    source: "ModelFolder",
    folder: "ModelFolder",
    provider: str,
    progress: Callable[[str], None],
) -> None:
    """Say where `model prepare` would help."""
    from pipeline.model.prepared import chosen, chosen_elsewhere, home_of, why_not

    home = home_of(options.models_dir, source)
    unfit = why_not(home, provider)
    if unfit:
        progress(
            f"The prepared {chosen(home)} can't be used here: {unfit}. Run model prepare again"
        )
    elif folder is source and not source.fused:
        progress("Not prepared for this machine: python -m bot model prepare makes it faster")
    elif chosen_elsewhere(home):
        progress("Prepared with another processor or ONNX Runtime: run model prepare again")


def open_source(options: EngineOptions) -> "ModelFolder":
    """The model as it was downloaded or exported.

    Raises ModelError `model_not_fetched` and what `ModelFolder.open` raises.
    """
    from pipeline.model.folder import ModelFolder

    path = model_path(options)
    if is_repository(options.model) and not path.is_dir():
        raise ModelError("model_not_fetched", repository=options.model)
    return ModelFolder.open(path)


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

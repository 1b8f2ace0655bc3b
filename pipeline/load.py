"""Loads an engine from settings. Engines are imported only when needed."""

import threading
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, assert_never

from pipeline.engine.protocol import Engine, ModelDescription
from pipeline.errors import ModelError
from pipeline.model.options import EngineName, EngineOptions, is_repository
from pipeline.model.source import open_source

if TYPE_CHECKING:
    from pipeline.faces.found import FaceFinder
    from pipeline.model.folder import ModelFolder


def import_engine(engine: EngineName) -> None:
    """Import what `engine` needs, so that loading it later does not block the interpreter."""
    if engine == "own":
        import_module("pipeline.engine.own")
    elif engine == "stock":
        import_module("pipeline.engine.stock")
    else:
        assert_never(engine)


def load_engine(options: EngineOptions, *, progress: Callable[[str], None]) -> Engine:
    """Check, load and return the engine; `progress` gets a line for each slow step.

    Raises ModelError: what `ModelFolder.open` raises, `model_not_fetched`, `both_runtimes`,
    `provider_unavailable`, `memory_too_small`, `card_too_small`, `model_unreadable`,
    `scheduler_unsupported`, `faces_unreadable`, `prepared_missing`, `prepared_damaged`,
    `variant_unfit`.
    """
    finder = _finder(options)
    return _with_faces(_load(options, progress), finder)


def open_slots(
    options: EngineOptions, *, progress: Callable[[str], None], turn: threading.Lock
) -> Callable[[int], Engine]:
    """A function that opens slot `number` of a device that draws several pictures at once; the
    first one loads the engine when it is its `turn`. Raises as `load_engine`."""
    from pipeline.engine.slots import SharedEngine

    def load() -> Engine:
        with turn:
            return _load(options, progress)

    shared = SharedEngine(load)

    def open_slot(number: int) -> Engine:
        finder = _finder(options)
        return _with_faces(shared.open(number), finder)

    return open_slot


def _load(options: EngineOptions, progress: Callable[[str], None]) -> Engine:
    from pipeline.plan.place import advise, place_model
    from pipeline.runtime.providers import both_runtimes_installed
    from pipeline.speed.estimate import USUAL_PICTURE, about, expect_noted
    from pipeline.text.text_encoder import PromptEncoder

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

        at_once = place.pictures_at_once(options.draw_at_once)
        engine = OwnEngine(
            folder,
            factory,
            prompts=prompts,
            description=description,
            rows_at_once=place.rows_at_once,
            at_once=at_once,
            tiled_vae=place.tiled_vae,
            loras=options.loras,
        )
    elif options.engine == "stock":
        from pipeline.engine.stock import StockEngine

        engine = StockEngine(folder, factory, prompts=prompts, description=description)
    else:
        assert_never(options.engine)
    progress(f"{folder.name} is ready{_together(engine)}")
    return engine


def _with_faces(engine: Engine, finder: "FaceFinder | None") -> Engine:
    from pipeline.faces.second_pass import SecondPass

    return SecondPass(engine, finder)


def _finder(options: EngineOptions) -> "FaceFinder | None":
    if options.faces is None:
        return None
    from pipeline.faces.cascade import CascadeFinder
    from pipeline.faces.cascade_file import read_cascade

    return CascadeFinder(read_cascade(options.faces))


def _together(engine: Engine) -> str:
    """How many pictures share runs, if several do."""
    count = getattr(engine, "pictures_at_once", 1)
    return f", and draws up to {count} pictures at once" if count > 1 else ""


def describe(options: EngineOptions, folder: "ModelFolder", provider: str) -> ModelDescription:
    """Describe the model: its repository, or the local folder's name, never a path."""
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
        upscale_strength=folder.upscale_strength,
        loras=folder.loras and options.engine == "own",
        balanced=folder.shallow_file is not None and options.engine == "own",
    )

"""The options of engines and tagger, from the operator's settings."""

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bot.config.kinds import SHIPPED_MODEL
from bot.config.settings import Settings
from data.shipped.paths import DEMO_MODEL
from pipeline.engine.protocol import Engine, SlotLoader
from pipeline.errors import ModelError
from pipeline.faces.sources import find_faces
from pipeline.load import load_engine, open_slots
from pipeline.model.options import EngineOptions, model_path
from pipeline.tagger.folder import find_tagger

if TYPE_CHECKING:
    from pipeline.prepare.lora.linear_layers import LinearLayers


def engine_options(settings: Settings, *, device_id: int | None = None) -> EngineOptions:
    """The options of `pipeline.load.load_engine` for one device; None: the first."""
    shipped = settings.model == SHIPPED_MODEL
    return EngineOptions(
        model=str(DEMO_MODEL) if shipped else settings.model,
        revision=settings.model_revision,
        models_dir=settings.models_dir,
        engine=settings.engine,
        provider=settings.provider,
        device_id=settings.device_id[0] if device_id is None else device_id,
        threads=settings.threads,
        check_memory=True,
        variant=settings.model_variant,
        loras=settings.lora_folder,
        faces=faces_file(settings),
    )


def loaders_of(
    settings: Settings, *, progress: Callable[[str], None]
) -> list[Callable[[], Engine]]:
    """The functions that load each device's engine, one after the other, because each checks how
    much memory is free before it takes its share."""
    if settings.hosts == "ray":
        return []
    turn = threading.Lock()

    def load(options: EngineOptions) -> Engine:
        with turn:
            return load_engine(options, progress=progress)

    found = device_options(settings)
    if not draws_together(settings):
        return [partial(load, options) for options in found]
    shared = [replace(options, draw_at_once=settings.draw_at_once) for options in found]
    return [SlotLoader(open_slots(each, progress=progress, turn=turn)) for each in shared]


def draws_together(settings: Settings) -> bool:
    """Whether a device may draw several pictures at once."""
    if settings.engine != "own":
        return False
    return settings.draw_at_once > 1 or (settings.draw_at_once == 0 and settings.provider != "cpu")


def device_options(settings: Settings) -> list[EngineOptions]:
    """The options of each device's engine; several on the processor share its threads."""
    settings = with_devices(settings)
    ids = settings.device_id
    threads = settings.threads
    if settings.provider == "cpu" and len(ids) > 1:
        from pipeline.runtime.threads import default_threads

        threads = max(1, (threads or default_threads()) // len(ids))
    return [replace(engine_options(settings, device_id=one), threads=threads) for one in ids]


def with_devices(settings: Settings) -> Settings:
    """With several devices and PROVIDER=auto: the cards that work, or one processor."""
    if len(settings.device_id) == 1 or settings.provider != "auto":
        return settings
    from pipeline.runtime.providers import cuda_works

    cards = tuple(one for one in settings.device_id if cuda_works(one))
    if cards:
        return replace(settings, provider="cuda", device_id=cards)
    return replace(settings, provider="cpu", device_id=settings.device_id[:1])


def faces_file(settings: Settings) -> Path | None:
    """The face finder, if there is one. ModelError `faces_missing` if FACES names none."""
    model = DEMO_MODEL
    if settings.model != SHIPPED_MODEL:
        model = model_path(
            EngineOptions(
                model=settings.model,
                revision=settings.model_revision,
                models_dir=settings.models_dir,
            )
        )
    return find_faces(settings.faces, model=model, models_dir=settings.models_dir)


def tagger_folder(settings: Settings) -> Path | None:
    """The output tagger, if there is one. ModelError `tagger_missing` if TAGGER names none."""
    model = model_path(engine_options(settings))
    return find_tagger(settings.tagger, model=model, models_dir=settings.models_dir)


def lora_layers(settings: Settings) -> "LinearLayers | None":
    """The layers that a LoRA can change in the model that draws; None if it is not on this
    machine."""
    from pipeline.prepare.lora.linear_layers import LinearLayers

    try:
        return LinearLayers.of(model_path(engine_options(settings)))
    except ModelError:
        return None


def lora_family(settings: Settings) -> str:
    """Equal for models that the same LoRAs fit; "" if the model is not on this machine."""
    layers = lora_layers(settings)
    return "" if layers is None else layers.family


def draws_convolutions(settings: Settings) -> bool:
    """Whether the model that draws was prepared for LoRAs that change convolutions; True if it
    can't be told, since other messages say then what is amiss."""
    from pipeline.errors import EkakiError
    from pipeline.model.source import open_source
    from pipeline.onnx.branch_size import has_convolutions
    from pipeline.plan.prepared import find
    from pipeline.runtime.providers import choose_provider

    options = engine_options(settings)
    try:
        provider = choose_provider(options.provider, device_id=options.device_id)
        folder = find(options.models_dir, open_source(options), options.variant, provider)
        return has_convolutions(folder.onnx_file("unet"))
    except (EkakiError, OSError, ValueError):
        return True

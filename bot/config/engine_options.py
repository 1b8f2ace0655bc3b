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
from pipeline.engine.protocol import Engine
from pipeline.errors import ModelError
from pipeline.load import load_engine
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

    return [partial(load, options) for options in device_options(settings)]


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

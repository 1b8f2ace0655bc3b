"""From our settings to the options of an engine, and to its tagger."""

from pathlib import Path

from bot.settings import Settings
from bot.variables import SHIPPED_MODEL
from data.shipped import DEMO_MODEL
from pipeline.model.load import EngineOptions, model_path
from pipeline.tagger.folder import find_tagger


def engine_options(settings: Settings) -> EngineOptions:
    """What `pipeline.model.load.load_engine` is given."""
    shipped = settings.model == SHIPPED_MODEL
    return EngineOptions(
        model=str(DEMO_MODEL) if shipped else settings.model,
        revision=settings.model_revision,
        models_dir=settings.models_dir,
        engine=settings.engine,
        provider=settings.provider,
        device_id=settings.device_id,
        threads=settings.threads,
        check_memory=True,
        variant=settings.model_variant,
    )


def tagger_folder(settings: Settings) -> Path | None:
    """The output tagger, if there is one. ModelError `tagger_missing` if TAGGER names none."""
    model = model_path(engine_options(settings))
    return find_tagger(settings.tagger, model=model, models_dir=settings.models_dir)

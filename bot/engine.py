"""From our settings to the options of an engine."""

from bot.settings import Settings
from pipeline.model.load import EngineOptions


def engine_options(settings: Settings) -> EngineOptions:
    """What `pipeline.model.load.load_engine` is given."""
    return EngineOptions(
        model=settings.model,
        revision=settings.model_revision,
        models_dir=settings.models_dir,
        engine=settings.engine,
        provider=settings.provider,
        device_id=settings.device_id,
        threads=settings.threads,
        check_memory=True,
        variant=settings.model_variant,
    )

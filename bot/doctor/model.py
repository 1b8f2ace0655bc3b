"""Checks of the model: files, memory, provider, the stock engine's libraries."""

import importlib.util
from collections.abc import Iterator

import psutil

from bot.wording import gib, words
from bot.doctor.values import Check, fail, ok, warn
from bot.settings import Settings
from pipeline.errors import EkakiError


def check_model(settings: Settings) -> Iterator[Check]:
    """The files, then whether they fit into memory."""
    from pipeline.model.folder import COMPONENTS, ModelFolder
    from pipeline.model.load import find_model

    try:
        path = find_model(settings.model, settings.model_revision, settings.models_dir)
        folder = ModelFolder.open(path)
    except EkakiError as error:
        yield fail("Model", words(error), "python -m bot model fetch (it goes on where it was).")
        return
    weights = sum(folder.weight_bytes(name) for name in COMPONENTS if folder.has(name))
    yield ok("Model", f"{folder.name}, {folder.precision}, {gib(weights)}")
    if folder.notice:
        yield warn("Model", folder.notice, "Fine for trying things out.")
    free = psutil.virtual_memory().available
    if free < weights:
        mend = "Close other programs, or use a machine with more memory: " + gib(weights * 1.3)
        yield warn("Memory", f"{gib(free)} free for {gib(weights)} of weights", mend)
    else:
        yield ok("Memory", f"{gib(free)} free for {gib(weights)} of weights")


def check_provider(settings: Settings) -> Check:
    """What really computes: a tiny session is run on it."""
    from pipeline.model.providers import choose_provider

    try:
        provider = choose_provider(settings.provider, device_id=settings.device_id)
    except EkakiError as error:
        mend = "pip install '.[cuda]' brings NVIDIA's libraries; or set PROVIDER to auto or cpu."
        return fail("Provider", words(error), mend)
    return ok("Provider", str(provider))


def check_engine(settings: Settings) -> Check:
    """The engine's libraries are there."""
    needed = ("onnxruntime", "numpy", "tokenizers", "PIL")
    if settings.engine == "stock":
        needed += ("torch", "diffusers", "transformers", "optimum")
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        mend = "pip install . in the project's folder."
        return fail("Engine", f"{settings.engine} lacks {', '.join(missing)}", mend)
    return ok("Engine", settings.engine)

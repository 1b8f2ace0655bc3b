"""Checks of the model: files, memory, provider, the stock engine's libraries."""

import importlib.util
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from bot.common.wording import gib, words
from bot.config.engine_options import device_options, engine_options, tagger_folder, with_devices
from bot.config.settings import Settings
from bot.doctor.values import Check, fail, ok, warn
from pipeline.errors import EkakiError

if TYPE_CHECKING:
    from pipeline.model.folder import ModelFolder
    from pipeline.plan.on_card import Card

_TOLD: Final = frozenset(
    {"provider_unavailable", "provider_library_missing", "variant_unfit"}
    | {"prepared_missing", "prepared_damaged", "openvino_missing"}
)
"""Errors that another check reports: that of the provider, or of the prepared model."""


def check_model(settings: Settings) -> Iterator[Check]:
    """The files, whether they fit into memory, and how long a picture takes."""
    from pipeline.model.folder import COMPONENTS
    from pipeline.model.source import open_source

    try:
        folder = open_source(engine_options(settings))
    except EkakiError as error:
        yield fail("Model", words(error), _model_mend(error))
        return
    yield from _check_prepared(settings, folder)
    weights = sum(folder.weight_bytes(name) for name in COMPONENTS if folder.has(name))
    yield ok("Model", f"{folder.name}, {folder.precision}, {gib(weights)}")
    if folder.notice:
        yield warn("Model", folder.notice, "Fine for trying things out.")
    yield from _check_small_decoder(folder)
    yield from _check_memory(settings, folder)
    yield from _check_speed(settings, folder)


def _model_mend(error: EkakiError) -> str:
    if error.key in {"model_not_fetched", "download_incomplete"}:
        return "Run: python -m bot model fetch. It goes on where it was."
    return "Set MODEL to a whole SDXL in ONNX: a folder, or a repository of the hub (OWNER/NAME)."


def _check_small_decoder(source: "ModelFolder") -> Iterator[Check]:
    """Load and run the small decoder, if the model has one."""
    from pipeline.prepare.small_decoder import try_small_decoder
    from pipeline.runtime.sessions import SessionFactory

    if source.small_decoder is None:
        return
    try:
        try_small_decoder(source, source.small_decoder, SessionFactory(provider="cpu"))
    except EkakiError as error:
        again = "Run: python -m bot model fetch --small-decoder"
        yield fail("Small decoder", words(error), again)
        return
    yield ok("Small decoder", "it works: drafts and previews are made with it")


def check_tagger(settings: Settings) -> Check:
    """Load and run the tagger, or say what its absence means."""
    from pipeline.tagger.folder import OFF, tagger_name

    fix = "Run: python -m bot model fetch --tagger (0.38 GB), or set TAGGER to a tagger's folder."
    try:
        folder = tagger_folder(settings)
        if folder is None:
            what = "switched off (TAGGER=off)" if settings.tagger == OFF else "none"
            found = f"{what}: no picture is checked, so nsfw and explicit stay off everywhere"
            return warn("Tagger", found, fix)
        from pipeline.tagger.tagger import Tagger

        Tagger.open(folder)
    except EkakiError as error:
        return fail("Tagger", words(error), fix)
    found = f"{tagger_name(folder)}: every picture is checked, moderators may allow every rating"
    return ok("Tagger", found)


def _check_prepared(settings: Settings, source: "ModelFolder") -> Iterator[Check]:
    """Check that `model prepare` was run, and that its result is complete and fits this machine."""
    from pipeline.plan.prepared import chosen, chosen_elsewhere, find, home_of, reason, why_not
    from pipeline.runtime.providers import choose_provider

    if settings.engine != "own" or settings.model_variant == "source":
        return
    home = home_of(settings.models_dir, source)
    again = "Run: python -m bot model prepare"
    if settings.model_variant == "auto" and chosen(home) is None:
        yield from _check_unprepared(settings)
        return
    try:
        provider = choose_provider(settings.provider, device_id=settings.device_id[0])
    except EkakiError:
        return  # reported by the check of the provider
    try:
        found = find(settings.models_dir, source, settings.model_variant, provider)
    except EkakiError as error:
        yield fail("Prepared", words(error), again)
        return
    why = reason(home) if settings.model_variant == "auto" else "MODEL_VARIANT says so"
    unfit = why_not(home, provider) if settings.model_variant == "auto" else ""
    if unfit:
        yield warn("Prepared", f"{chosen(home)}, which can't be used here: {unfit}", again)
    elif chosen_elsewhere(home):
        yield warn("Prepared", f"{found.precision}, on another processor or ONNX Runtime", again)
    else:
        yield ok("Prepared", f"{found.precision}: {why}")


def _check_unprepared(settings: Settings) -> Iterator[Check]:
    """What preparing would gain on this machine, and what it costs."""
    from pipeline.prepare.offer import COMMAND, find_offer

    try:
        offer = find_offer(device_options(settings)[0], progress=lambda _: None)
    except EkakiError as error:
        if error.key not in _TOLD:
            yield fail("Prepared", f"no, and it can't be: {words(error)}", "")
        return
    if offer is None:
        yield ok("Prepared", "no, and on this machine it would gain nothing to speak of")
        return
    fix = f"Run: {COMMAND} ({offer.cost}, once)"
    yield warn("Prepared", f"no. Prepared, {offer.gain}", fix)


def _check_speed(settings: Settings, source: "ModelFolder") -> Iterator[Check]:
    """How long a picture will take in the form that would be loaded."""
    from pipeline.plan.prepared import find
    from pipeline.prepare.offer import time_machine
    from pipeline.runtime.providers import CPU
    from pipeline.runtime.sessions import SessionFactory
    from pipeline.speed.estimate import USUAL_PICTURE, about, expect_noted

    options = device_options(settings)[0]
    try:
        time_machine(options, progress=lambda _: None)
        factory = SessionFactory.of(options)
        variant = settings.model_variant if settings.engine == "own" else "source"
        folder = find(settings.models_dir, source, variant, factory.provider)
        expected = expect_noted(options, folder, factory)
    except EkakiError:
        return  # reported by the checks of provider and prepared model
    if expected is not None:
        took = about(expected.picture_s)
        yield ok("Speed", f"{took} a picture of {USUAL_PICTURE}, if nothing else runs here")
    elif factory.provider == CPU:
        yield ok("Speed", "a small model: a picture takes seconds on most machines")
    else:
        yield ok("Speed", "how long a picture takes on this card is known after the first one")


def _check_memory(settings: Settings, source: "ModelFolder") -> Iterator[Check]:
    """How the model that would be loaded is held in memory: in main memory, or on each card."""
    from pipeline.plan.memory import available_bytes
    from pipeline.plan.memory_plan import make_plan
    from pipeline.plan.on_card import read_card
    from pipeline.plan.prepared import find
    from pipeline.runtime.providers import CPU, choose_provider

    settings = with_devices(settings)
    fix = "Close other programs, use a machine with more memory, or: python -m bot model prepare"
    own = settings.engine == "own"

    def form(provider: str) -> "ModelFolder":
        variant = settings.model_variant
        return find(settings.models_dir, source, variant, provider) if own else source

    try:
        have = available_bytes()
        for device_id in settings.device_id:
            provider = choose_provider(settings.provider, device_id=device_id)
            if provider != CPU:
                yield check_card(form(provider), read_card(device_id), device_id)
                continue
            plan = make_plan(form(CPU), have)
            parts = ", ".join(f"{name} {gib(size)}" for name, size in plan.parts.items())
            found = f"{gib(have)} free, {gib(plan.peak_bytes)} needed on the processor ({parts})"
            for saved in plan.frugal():
                found += f"; {saved}"
            spared = plan.sparing()
            if spared:
                yield warn("Memory", f"{found}; to make it fit: {', '.join(spared)}", fix)
            else:
                yield ok("Memory", found)
            have -= plan.peak_bytes  # one engine each: the next one gets the rest
    except EkakiError as error:
        if error.key not in _TOLD:
            yield fail("Memory", words(error), fix if error.key == "memory_too_small" else "")


def check_card(folder: "ModelFolder", card: "Card | None", device_id: int) -> Check:
    """How `folder` is laid out on card `device_id`."""
    from pipeline.plan.on_card import plan_on

    name = f"Card {device_id}"
    if card is None:
        found = "draws, but its driver does not say how much memory it has: nothing is spared"
        return warn(name, found, "Set PROVIDER=cpu if drawing runs out of memory.")
    try:
        plan = plan_on(folder, card.total_bytes)
    except EkakiError as error:
        return fail(name, words(error), "")
    return ok(name, f"{card.name}, {gib(card.total_bytes)}: {plan}")


def check_provider(settings: Settings) -> Iterator[Check]:
    """Run a tiny session on each device to see what really computes."""
    from pipeline.runtime.providers import choose_provider

    settings = with_devices(settings)
    several = len(settings.device_id) > 1
    for device_id in settings.device_id:
        name = f"Provider {device_id}" if several else "Provider"
        try:
            yield ok(name, str(choose_provider(settings.provider, device_id=device_id)))
        except EkakiError as error:
            fix = "pip install '.[cuda]' brings NVIDIA's libraries; or set PROVIDER to auto or cpu."
            yield fail(name, words(error), fix)


def check_engine(settings: Settings) -> Check:
    """The engine's libraries are there."""
    needed = ("onnxruntime", "numpy", "tokenizers", "PIL")
    if settings.engine == "stock":
        needed += ("torch", "diffusers", "transformers", "optimum")
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        fix = "pip install . in the project's folder."
        return fail("Engine", f"{settings.engine} lacks {', '.join(missing)}", fix)
    return ok("Engine", settings.engine)

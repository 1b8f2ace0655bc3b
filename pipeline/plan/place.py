"""Decides where a model runs and how it is placed there, before anything is loaded."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipeline.errors import ModelError
from pipeline.plan.memory import available_bytes
from pipeline.plan.memory_plan import make_plan
from pipeline.plan.on_card import Card, plan_on, read_card, sizes_of_folder
from pipeline.plan.prepared import chosen, chosen_elsewhere, find, home_of, why_not
from pipeline.runtime.providers import CPU
from pipeline.runtime.sessions import SessionFactory

if TYPE_CHECKING:
    from pipeline.model.folder import ModelFolder
    from pipeline.model.options import EngineOptions

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The variant that is used, the factory of its sessions, and its limits.

    `text_factory` makes the text encoders' sessions, which stay on the processor if the card has no
    room for them. `rows_at_once` None: no limit.
    """

    folder: "ModelFolder"
    factory: SessionFactory
    text_factory: SessionFactory
    keep_text_encoders: bool = True
    rows_at_once: int | None = None
    tiled_vae: bool = False

    def pictures_at_once(self, wanted: int) -> int:
        """How many pictures with guidance share runs, if so many are `wanted` (0: all that the plan
        for a card has room for). On the processor runs of several take as long as several runs."""
        planned = self.rows_at_once // 2 if self.rows_at_once is not None else 0
        if self.factory.provider == CPU or not planned:
            return max(1, wanted)
        return min(wanted or planned, planned)

    def __str__(self) -> str:
        return f"{self.factory.provider}, {self.factory.threads} threads"


def place_model(
    options: "EngineOptions",
    source: "ModelFolder",
    progress: Progress,
    *,
    read: Callable[[int], Card | None] = read_card,
) -> Place:
    """Decide for this machine. With PROVIDER=auto a card that is too small is not used.

    Raises ModelError: what `find` raises, `provider_unavailable`, `memory_too_small`,
    `card_too_small`.
    """
    factory = SessionFactory.of(options)
    place = _form(options, source, factory)
    if not options.check_memory or (options.engine == "stock" and factory.provider != CPU):
        return place  # optimum's pipelines have all their parts on one device
    if factory.provider == CPU:
        return _on_processor(place)
    card = read(options.device_id)
    if card is None:
        progress("How much memory the card has can't be read: the whole model goes onto it")
        return place
    try:
        return _on_card(place, card, progress)
    except ModelError as error:
        if options.provider != "auto":
            raise
        need = error.data["need_gb"]
        progress(f"{card.name} is too small (it takes {need} GB): drawing on the processor")
    factory = SessionFactory(provider="cpu", threads=options.threads)
    return _on_processor(_form(options, source, factory))


def advise(
    options: "EngineOptions", source: "ModelFolder", place: Place, progress: Progress
) -> None:
    """Point out if `model prepare` would help."""
    home = home_of(options.models_dir, source)
    unfit = why_not(home, place.factory.provider)
    if unfit:
        progress(
            f"The prepared {chosen(home)} can't be used here: {unfit}. Run model prepare again"
        )
    elif place.folder is source and not source.fused:
        progress("Not prepared for this machine: python -m bot model prepare makes it faster")
    elif chosen_elsewhere(home):
        progress("Prepared with another processor or ONNX Runtime: run model prepare again")


def _form(options: "EngineOptions", source: "ModelFolder", factory: SessionFactory) -> Place:
    folder = source
    if options.engine == "own":
        folder = find(options.models_dir, source, options.variant, factory.provider)
    return Place(folder=folder, factory=factory, text_factory=factory)


def _on_processor(place: Place) -> Place:
    plan = make_plan(place.folder, available_bytes())
    place.factory.mapped = plan.mapped_unet
    return replace(
        place,
        keep_text_encoders=plan.keep_text_encoders,
        rows_at_once=1 if plan.rows_at_once == 1 else None,
    )


def _on_card(place: Place, card: Card, progress: Progress) -> Place:
    plan = plan_on(place.folder, card.total_bytes)
    progress(f"{card.name}, {card.total_bytes / 2**30:.1f} GiB: {plan}")
    place.factory.card_limits = plan.arena_limits(card.total_bytes, sizes_of_folder(place.folder))
    on_card = plan.text_encoders_on_card
    return replace(
        place,
        text_factory=(
            place.factory
            if on_card
            else SessionFactory(provider="cpu", threads=place.factory.threads)
        ),
        rows_at_once=2 * plan.pictures_at_once,
        tiled_vae=plan.tiled_vae,
    )

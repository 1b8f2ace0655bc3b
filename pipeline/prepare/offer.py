"""What `model prepare` would gain here and what it costs, for those who have not run it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipeline.engine.protocol import Expected
from pipeline.model.folder import COMPONENTS, REQUIRED, Component, ModelFolder
from pipeline.model.options import Variant
from pipeline.model.source import open_source
from pipeline.plan.memory_plan import Shape, plan_for
from pipeline.plan.prepared import chosen, home_of
from pipeline.prepare.calibrate import calibrate
from pipeline.prepare.choose import choose_here
from pipeline.prepare.sizes import needed_with, prepared_bytes
from pipeline.runtime.cpu import this_cpu
from pipeline.runtime.providers import CPU
from pipeline.runtime.sessions import SessionFactory
from pipeline.speed.estimate import USUAL_PICTURE, about, expect_all, is_slow

if TYPE_CHECKING:
    from pipeline.model.options import EngineOptions

COMMAND: Final = "python -m bot model prepare"

WORTH_S: Final = 5.0
"""The minimum gain per picture, in seconds, for which preparing is offered."""

_SECONDS_A_BYTE: Final = 15e-9
"""Of the source. 163 to 181 s were measured for 13.9 GB, hashes of a download not compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """`now` and `then`: the time for a picture now and once prepared as `variant`; None on a card,
    where that is unknown. `now_bytes` and `then_bytes`: main memory without savings. `cost_s` and
    `disk_bytes`: those of preparing.
    """

    variant: Variant
    now: Expected | None
    then: Expected | None
    now_bytes: int
    then_bytes: int
    cost_s: float
    disk_bytes: int

    @property
    def gain(self) -> str:
        """`a picture of 1024x1024 in 28 steps takes about 25 minutes rather than about 40 ...`"""
        if self.now is None or self.then is None:
            return (
                f"as {self.variant} the card draws faster and with less memory; how long a picture "
                "takes is known after the first one"
            )
        memory = f"{_gb(self.then_bytes)} of memory rather than {_gb(self.now_bytes)}"
        time, before = about(self.then.picture_s), about(self.now.picture_s)
        if time == before:
            return f"as {self.variant} it takes {memory}, and {time} a picture of {USUAL_PICTURE}"
        return (
            f"as {self.variant} a picture of {USUAL_PICTURE} takes {time} rather than {before}, "
            f"and {memory}"
        )

    @property
    def cost(self) -> str:
        """`about 3 minutes and 5.6 GB of disk`"""
        return f"{about(self.cost_s)} and {_gb(self.disk_bytes)} of disk"


def find_offer(options: "EngineOptions", *, progress: Callable[[str], None]) -> Offer | None:
    """What preparing the model of `options` would gain; None if it is prepared, if another variant
    is set, or if it would not help. Measures the machine for some seconds if that was not done
    before.

    Raises ModelError: what `open_source` raises, `provider_unavailable`,
    `card_too_small_half`.
    """
    if options.engine != "own" or options.variant != "auto":
        return None
    source = open_source(options)
    if source.fused or chosen(home_of(options.models_dir, source)) or not is_slow(source):
        return None
    factory = SessionFactory.of(options)
    choice = choose_here(
        source,
        options.models_dir,
        factory,
        progress=progress,
        may_leave_card=options.provider == "auto",
    )
    known = {} if choice.calibration is None else expect_all(source, choice.calibration.speeds)
    now, then = known.get("source"), known.get(choice.variant)
    if now is not None and then is not None and now.picture_s - then.picture_s < WORTH_S:
        return None
    weights = prepared_bytes(source, choice.variant)
    size = sum(source.weight_bytes(name) for name in COMPONENTS if source.has(name))
    return Offer(
        variant=choice.variant,
        now=now,
        then=then,
        now_bytes=_needed(source),
        then_bytes=needed_with(source, choice.variant, weights),
        cost_s=size * _SECONDS_A_BYTE,
        disk_bytes=sum(weights.values()),
    )


def time_machine(options: "EngineOptions", *, progress: Callable[[str], None]) -> None:
    """Measure the processor if it draws and pictures take long enough for that to matter. Takes
    some seconds, once; the result is stored.

    Raises ModelError: what `open_source` raises, `provider_unavailable`.
    """
    if not is_slow(open_source(options)):
        return
    factory = SessionFactory.of(options)
    if factory.provider == CPU:
        calibrate(options.models_dir, this_cpu(), threads=factory.threads, progress=progress)


def _needed(source: ModelFolder) -> int:
    weights: dict[Component, int] = {name: source.weight_bytes(name) for name in REQUIRED}
    return plan_for(weights, Shape.of(source), 1 << 62, can_map=False).peak_bytes


def _gb(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB"

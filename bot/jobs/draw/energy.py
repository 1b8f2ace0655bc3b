"""The electricity that pictures take, where a device can tell."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol

from pipeline.engine.protocol import DrawnPicture

JOULES_A_WATT_HOUR: Final = 3600.0


class EnergyMeter(Protocol):
    """Measures one device. Called in the engine's thread."""

    def start(self) -> Callable[[], float | None]:
        """Begin; the function that is returned says how many joules it took since, None if that
        is not known. Call it once."""
        ...


def measured(draw: Callable[[], DrawnPicture], meter: EnergyMeter | None) -> DrawnPicture:
    """What `draw` draws, with the electricity that it took: its share, where it was drawn with
    others."""
    if meter is None:
        return draw()
    taken = meter.start()
    energy_j: float | None = None
    try:
        drawn = draw()
    finally:
        energy_j = taken()
    if not isinstance(drawn, DrawnPicture):  # pyright: ignore[reportUnnecessaryIsInstance] - an engine may break its word
        return drawn
    return replace(drawn, energy_j=None if energy_j is None else energy_j / drawn.at_once)


@dataclass(frozen=True, slots=True, kw_only=True)
class Electricity:
    """Of all pictures that were measured. `last_j`: of the latest in this run."""

    pictures: int = 0
    energy_j: float = 0.0
    last_j: float | None = None

    def plus(self, energy_j: float) -> "Electricity":
        """With one more picture."""
        return Electricity(
            pictures=self.pictures + 1, energy_j=self.energy_j + energy_j, last_j=energy_j
        )

    @property
    def picture_wh(self) -> float | None:
        """Watt-hours of a picture on average; None if none was measured."""
        return self.energy_j / self.pictures / JOULES_A_WATT_HOUR if self.pictures else None

    @property
    def last_wh(self) -> float | None:
        """Watt-hours of the latest picture."""
        return None if self.last_j is None else self.last_j / JOULES_A_WATT_HOUR


class ElectricitySum:
    """Counts the pictures of one run on top of those before."""

    def __init__(self) -> None:
        self.total = Electricity()

    def drawn(self, energy_j: float | None) -> None:
        """A picture took so much; None: nobody knows."""
        if energy_j is not None:
            self.total = self.total.plus(energy_j)

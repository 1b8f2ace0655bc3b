"""Gives each engine of this machine what measures its electricity, once its model is loaded."""

import asyncio
from collections.abc import Callable, Mapping

from bot.jobs.draw.energy import EnergyMeter
from bot.jobs.draw.worker import EngineWorker
from bot.sharing.electricity import ProcessorEnergy, energy_of_card
from bot.sharing.watcher import CUDA


class EnergyMeters:
    """`devices`: numbers of cards, by the number of their engine."""

    def __init__(
        self,
        *,
        devices: tuple[int, ...] = (0,),
        card_of: Callable[[int], EnergyMeter | None] = energy_of_card,
        processor_of: Callable[[], EnergyMeter | None] = ProcessorEnergy.of,
    ) -> None:
        self._devices = devices
        self._card_of = card_of
        self._processor_of = processor_of
        self._tried: set[int] = set()

    async def fit(self, workers: Mapping[int, EngineWorker]) -> None:
        """Do so for those that have none yet."""
        for number, worker in workers.items():
            if number not in self._tried and worker.model is not None:
                self._tried.add(number)
                found = await asyncio.to_thread(self._meter, number, worker.model.provider, workers)
                for mate in worker.mates:
                    mate.energy = mate.energy or found

    def _meter(
        self, number: int, provider: str, workers: Mapping[int, EngineWorker]
    ) -> EnergyMeter | None:
        if provider == CUDA and number < len(self._devices):
            return self._card_of(self._devices[number])
        # Of several engines on the processors, nobody knows which uses how much.
        return self._processor_of() if len(workers) == 1 else None

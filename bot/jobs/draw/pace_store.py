"""What was learned about this machine's pace, kept over restarts: times are honest at once."""

# ruff: noqa: BLE001 - no note of times is worth a picture

import logging

from bot.common.clock import Clock
from bot.jobs.draw.eta import Pace, steps_of
from data.store import notes
from data.store.database import Database
from pipeline.engine.protocol import DrawnPicture, ModelDescription
from pipeline.request import ResolvedRequest

_log = logging.getLogger(__name__)

_EVERY_S = 30.0  # a note costs a sync of the disk; the pace changes slowly


class PaceStore:
    """Learns and notes the pace of a model on a device."""

    def __init__(self, database: Database, pace: Pace, clock: Clock) -> None:
        self._database = database
        self._pace = pace
        self._clock = clock
        self._kept_at: float | None = None

    async def restore(self, model: ModelDescription) -> None:
        """Take up what an earlier run learned about `model` here, else what is expected of it. A
        database that refuses costs nothing but honest times."""
        try:
            async with self._database.reader() as connection:
                noted = await notes.get(connection, key=_key(model))
        except Exception as error:
            _log.warning("The pace of an earlier run can't be read: %s", error)
            noted = None
        if noted is not None:
            self._pace.take_up(noted)
        if model.expected is not None:
            self._pace.expect(model.expected)

    def learn(self, request: ResolvedRequest, drawn: DrawnPicture, *, cost: float) -> None:
        """Take in a picture of `request`, which was work of `cost`."""
        steps_s = min(drawn.seconds_a_step * steps_of(request), drawn.elapsed_s)
        self._pace.learn(cost=cost, steps_s=steps_s, total_s=drawn.elapsed_s)

    async def keep(self, model: ModelDescription | None) -> None:
        """Note what is known now, twice a minute at most. A disk that refuses loses nothing."""
        now = self._clock.monotonic()
        if model is None or (self._kept_at is not None and now - self._kept_at < _EVERY_S):
            return
        self._kept_at = now
        try:
            async with self._database.transaction() as connection:
                await notes.put(connection, key=_key(model), value=self._pace.to_json())
        except Exception as error:
            _log.warning("The pace could not be noted: %s", error)


def _key(model: ModelDescription) -> str:
    return f"pace:{model.hash}:{model.provider}:{model.precision}:{model.engine}"

"""Stores this machine's measured pace, so that times are accurate right after a restart."""

# ruff: noqa: BLE001 - a picture must not fail because of a note of times

import logging

from bot.common.clock import Clock
from bot.jobs.draw.eta import Pace
from data.store import notes
from data.store.database import Database
from pipeline.engine.protocol import DrawnPicture, ModelDescription
from pipeline.request import ResolvedRequest
from pipeline.speed.cost import steps_of

_log = logging.getLogger(__name__)

_EVERY_S = 30.0  # each write syncs the disk, and the pace changes slowly


class PaceStore:
    """Learns and stores the pace of a model on the devices of `host`, "" for this machine."""

    def __init__(self, database: Database, pace: Pace, clock: Clock, *, host: str = "") -> None:
        self.pace = pace
        self._host = host
        self._database = database
        self._clock = clock
        self._kept_at: float | None = None

    async def restore(self, model: ModelDescription) -> None:
        """Restore what an earlier run learned about `model` here, otherwise use the estimate. If
        the database fails, only the accuracy of times is lost."""
        try:
            async with self._database.reader() as connection:
                noted = await notes.get(connection, key=self._key(model))
        except Exception as error:
            _log.warning("The pace of an earlier run can't be read: %s", error)
            noted = None
        if noted is not None:
            self.pace.take_up(noted)
        if model.expected is not None:
            self.pace.expect(model.expected)

    def learn(self, request: ResolvedRequest, drawn: DrawnPicture, *, cost: float) -> None:
        """Learn from a picture of `request`, which had `cost` without its faces."""
        if request.only_faces:
            return
        total_s = drawn.elapsed_s - drawn.faces_s
        steps_s = min(drawn.seconds_a_step * steps_of(request), total_s)
        self.pace.learn(
            cost=cost,
            steps_s=steps_s,
            total_s=total_s,
            small=bool(drawn.decoder),
            at_once=drawn.at_once,
        )

    async def keep(self, model: ModelDescription | None) -> None:
        """Store what is known now, at most twice a minute. If the disk fails, nothing is lost."""
        now = self._clock.monotonic()
        if model is None or (self._kept_at is not None and now - self._kept_at < _EVERY_S):
            return
        self._kept_at = now
        try:
            async with self._database.transaction() as connection:
                await notes.put(connection, key=self._key(model), value=self.pace.to_json())
        except Exception as error:
            _log.warning("The pace could not be noted: %s", error)

    def _key(self, model: ModelDescription) -> str:
        key = f"pace:{model.hash}:{model.provider}:{model.precision}:{model.engine}"
        return f"{key}:{self._host}" if self._host else key

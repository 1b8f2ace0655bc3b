"""Publishes the place and remaining time of waiting jobs, and the progress of running ones."""

import logging

from bot.common.clock import Clock
from bot.jobs.draw.engines import Engines
from bot.jobs.draw.fair_queue import Unit
from bot.jobs.draw.line import Line, LiveJob, Outlook
from bot.jobs.draw.loop_watch import Step
from bot.jobs.values import Progress, Queued, Rest

_log = logging.getLogger(__name__)


class Announcer:
    """Of one line, which `engines` draw."""

    def __init__(self, line: Line, engines: Engines, clock: Clock) -> None:
        self._line = line
        self._engines = engines
        self._clock = clock

    def announce(self) -> None:
        """Publish the place and time of every waiting job. An error here must not stop drawing."""
        try:
            self._announce()
        except Exception:  # noqa: BLE001
            _log.exception("Places in the queue could not be told")

    def _announce(self) -> None:
        engines = self._engines
        self._line.devices = engines.devices
        loading, no_machine, rest = engines.loading, engines.no_machine, engines.rest
        for job_id, outlook in self._line.outlooks().items():
            job = self._line.live.get(job_id)
            if job is not None and (not job.started or self._is_halted(job, rest)):
                job.mailbox.put(
                    Queued(
                        position=outlook.position,
                        eta_s=None if rest is not None else outlook.eta_s,
                        loading=loading,
                        no_machine=no_machine,
                        rest=rest,
                        ready_at=None if rest is None else self._ready_at(outlook),
                    )
                )

    def _ready_at(self, outlook: Outlook) -> float | None:
        """To the minute, so that it is the same when it is computed again."""
        if outlook.eta_s is None:
            return None
        return 60.0 * round((self._clock.time() + outlook.eta_s) / 60 + 0.5)

    def _is_halted(self, job: LiveJob, rest: Rest | None) -> bool:
        """Whether a job that was begun waits for its next picture while nothing is drawn, or still
        shows that."""
        shows = isinstance(job.mailbox.event, Queued)
        return (rest is not None or shows) and not self._line.is_running(job.record.id)

    def progress(self, job: LiveJob, unit: Unit, step: Step) -> None:
        """Publish a step of `unit`. Of several pictures at once, the furthest counts."""
        if self._line.is_foremost(unit):
            outlook = self._line.outlooks().get(job.record.id)
            job.mailbox.put(
                Progress(
                    picture=unit.index + 1,
                    pictures=job.record.request.count,
                    step=step.step,
                    steps=step.steps,
                    eta_s=None if outlook is None else outlook.eta_s,
                    preview=step.preview,
                    again=bool(job.drawn_again or job.lost),
                    face=step.face,
                    faces=step.faces,
                )
            )

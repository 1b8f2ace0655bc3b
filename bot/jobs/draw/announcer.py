"""Publishes the place and remaining time of waiting jobs, and the progress of running ones."""

import logging

from bot.jobs.draw.fair_queue import Unit
from bot.jobs.draw.line import Line, LiveJob
from bot.jobs.draw.worker import Engines, Step
from bot.jobs.values import Progress, Queued

_log = logging.getLogger(__name__)


class Announcer:
    """Of one line, which `engines` draw."""

    def __init__(self, line: Line, engines: Engines) -> None:
        self._line = line
        self._engines = engines

    def announce(self) -> None:
        """Publish the place and time of every waiting job. An error here must not stop drawing."""
        try:
            self._announce()
        except Exception:  # noqa: BLE001
            _log.exception("Places in the queue could not be told")

    def _announce(self) -> None:
        self._line.paces = self._engines.paces
        loading = self._engines.loading
        for job_id, outlook in self._line.outlooks().items():
            job = self._line.live.get(job_id)
            if job is not None and not job.started:
                place, eta_s = outlook.position, outlook.eta_s
                job.mailbox.put(Queued(position=place, eta_s=eta_s, loading=loading))

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
                )
            )

"""Counts what happens, as metrics of Prometheus in a registry of our own."""

from collections.abc import Iterator, Mapping
from itertools import product

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from bot.common.observer import InteractionKind, JobResult, Observer
from bot.watch import table
from bot.watch.table import Metric


class Counting(Observer):
    """`registry` has everything that is counted, and what the process uses."""

    def __init__(self) -> None:
        disable_created_metrics()  # twice the series, for a time that nobody asks for
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._counters = {
            metric.name: Counter(metric.name, metric.help, metric.labels, registry=self.registry)
            for metric in table.COUNTED
            if metric.kind == "counter"
        }
        self._histograms = {
            metric.name: Histogram(
                metric.name,
                metric.help,
                metric.labels,
                buckets=metric.buckets,
                registry=self.registry,
            )
            for metric in table.COUNTED
            if metric.kind == "histogram"
        }
        self._begin_at_zero()

    def job_accepted(self) -> None:
        self._count(table.JOBS_ACCEPTED)

    def job_refused(self, rule: str) -> None:
        self._count(table.JOBS_REFUSED, rule=rule)

    def job_started(self, *, waited_s: float) -> None:
        self._measure(table.JOB_WAIT, max(0.0, waited_s))

    def job_ended(self, result: JobResult, *, reason: str = "") -> None:
        self._count(table.JOBS_ENDED, result=result)
        if reason:
            self._count(table.JOBS_FAILED, reason=reason)

    def picture_drawn(
        self,
        *,
        device: str,
        variant: str,
        elapsed_s: float,
        seconds_a_step: float,
        energy_j: float | None = None,
    ) -> None:
        self._measure(table.PICTURE_DURATION, elapsed_s, device=device, variant=variant)
        self._measure(table.STEP_DURATION, seconds_a_step, device=device, variant=variant)
        if energy_j is not None:
            self._measure(table.PICTURE_ENERGY, energy_j, device=device, variant=variant)

    def picture_kept(self) -> None:
        self._count(table.PICTURES_KEPT)

    def picture_withheld(self, reason: str) -> None:
        self._count(table.PICTURES_WITHHELD, reason=reason)

    def item_tried(self, *, kind: str, result: str) -> None:
        self._count(table.OUTBOX_TRIES, kind=kind, result=result)

    def discord_responded(
        self, *, method: str, status: str, elapsed_s: float, limit: str = ""
    ) -> None:
        self._count(table.DISCORD_REQUESTS, method=method, status=status)
        self._measure(table.DISCORD_DURATION, elapsed_s, method=method)
        if limit:
            self._count(table.DISCORD_LIMITED, scope=limit)

    def interaction_answered(self, kind: InteractionKind, *, elapsed_s: float) -> None:
        self._measure(table.INTERACTION_ANSWER, elapsed_s, kind=kind)

    def interaction_missed(self, kind: InteractionKind) -> None:
        self._count(table.INTERACTIONS_MISSED, kind=kind)

    def loop_delayed(self, delay_s: float) -> None:
        self._measure(table.LOOP_DELAY, delay_s)

    def _count(self, metric: Metric, **labels: str) -> None:
        counter = self._counters[metric.name]
        (counter.labels(**labels) if labels else counter).inc()

    def _measure(self, metric: Metric, value: float, **labels: str) -> None:
        histogram = self._histograms[metric.name]
        (histogram.labels(**labels) if labels else histogram).observe(value)

    def _begin_at_zero(self) -> None:
        """Have the series whose labels are known from the start: `rate` misses the first event of
        a series that begins with it."""
        for metric in table.COUNTED:
            made = self._counters | self._histograms
            for labels in combinations(metric):
                made[metric.name].labels(**labels)


def combinations(metric: Metric) -> Iterator[Mapping[str, str]]:
    """All labels of a metric, if their values are known in advance."""
    if metric.labels:
        for values in product(*metric.labels.values()):
            yield dict(zip(metric.labels, values, strict=True))

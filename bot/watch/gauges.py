"""A state of the bot as gauges of Prometheus."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import get_args

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from bot.watch import table
from bot.watch.state import BotState
from bot.watch.table import Metric, Part


class Gauges(Collector):
    """Put the `state` there before the registry collects."""

    def __init__(self) -> None:
        self.state: BotState | None = None

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Called when it is registered."""
        return [_family(metric) for metric in table.READ]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        if self.state is None:
            return
        yield from gauges_of(self.state)
        if sys.platform != "linux":  # prometheus_client reads /proc
            import psutil

            family = GaugeMetricFamily("process_resident_memory_bytes", "Resident memory size.")
            family.add_metric([], psutil.Process().memory_info().rss)
            yield family


def gauges_of(state: BotState) -> Iterator[GaugeMetricFamily]:
    """Every metric of `table.READ`; without a value where it is unknown."""
    queue, disk, model = state.queue, state.disk, state.model
    yield _filled(table.INFO, {
        (
            state.version,
            *(("", "", "", "") if model is None
              else (model.name, model.precision, model.provider, model.engine)),
        ): 1.0
    })  # fmt: skip
    missing = state.readiness.missing
    yield _by_one(table.READY, {part: part not in missing for part in get_args(Part)})
    yield _by_one(table.JOBS, {"waiting": queue.waiting, "running": queue.running})
    yield _single(table.PICTURES_WAITING, queue.pictures)
    yield _single(table.OLDEST_WAIT, queue.oldest_wait_s)
    yield _single(table.QUEUE_ETA, queue.eta_s)
    yield from _stored(state)
    yield _by_one(table.ENGINES, state.engines, zeros=True)
    rest = state.readiness.rest
    yield _by_one(table.RESTING, {} if rest is None else {rest.reason: 1}, zeros=True)
    yield _single(table.REST_END, None if rest is None else rest.until)
    yield _by_one(table.HOST_DEVICES, state.host_devices, zeros=True)
    yield _single(table.DISCORD_SERVERS, state.servers)
    states = Counter("connected" if each.connected else "disconnected" for each in state.shards)
    yield _by_one(table.DISCORD_SHARDS, states, zeros=True)
    latencies = {str(s.id): s.latency_s for s in state.shards if s.latency_s is not None}
    yield _by_one(table.DISCORD_LATENCY, latencies)
    yield _by_one(table.DISK_FREE, disk.free)
    yield _by_one(table.DISK_SIZE, disk.size)
    yield _by_one(table.DATABASE_SIZE, disk.database)
    yield _single(table.BACKUP_AGE, state.backup_age_s)


def _stored(state: BotState) -> Iterator[GaugeMetricFamily]:
    stored = state.stored
    backlog = None if stored is None else stored.backlog
    counts = () if stored is None else stored.outbox
    yield _single(table.UNDELIVERED, None if backlog is None else backlog.undelivered)
    yield _single(table.REPORTS, None if backlog is None else backlog.reports)
    yield _single(table.REVIEWS, None if backlog is None else backlog.reviews)
    yield _filled(
        table.OUTBOX_ITEMS, {(each.subject, each.state): float(each.items) for each in counts}
    )
    yield _filled(
        table.OUTBOX_OLDEST,
        {(each.subject, each.state): max(0.0, state.now - each.oldest_at) for each in counts},
    )


def _family(metric: Metric) -> GaugeMetricFamily:
    return GaugeMetricFamily(metric.name, metric.help, labels=list(metric.labels))


def _filled(metric: Metric, values: Mapping[tuple[str, ...], float]) -> GaugeMetricFamily:
    family = _family(metric)
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family


def _by_one(
    metric: Metric, values: Mapping[str, float], *, zeros: bool = False
) -> GaugeMetricFamily:
    """Of a metric with one label. `zeros`: 0 for its other values."""
    (known,) = metric.labels.values()
    nothing = dict.fromkeys(known, 0.0) if zeros else {}
    return _filled(
        metric, {(name,): float(value) for name, value in (nothing | {**values}).items()}
    )


def _single(metric: Metric, value: float | None) -> GaugeMetricFamily:
    return _filled(metric, {} if value is None else {(): float(value)})

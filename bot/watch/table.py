"""Every metric, declared once. `counting`, `gauges` and docs/operations.md follow from this.

Names as Prometheus recommends: https://prometheus.io/docs/practices/naming/. No label may hold a
person, server, channel or prompt.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, get_args

from bot.common.observer import InteractionKind, JobResult
from bot.hosts.entries import HostState
from bot.jobs.draw.worker import State
from bot.jobs.values import RestReason
from bot.safety.output import WithheldReason

Part: TypeAlias = Literal["login", "gateway", "accepting", "database", "engine"]
"""What must work for the bot to be ready."""
Labels: TypeAlias = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """`labels`: their values by name, none if they are not known in advance. `buckets`: upper
    bounds of a histogram."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: Labels = field(default_factory=dict[str, tuple[str, ...]])
    buckets: tuple[float, ...] = ()


_WAITS: Final = (1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600)
_PICTURES: Final = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600)
_STEPS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_ANSWERS: Final = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3)
_REQUESTS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_JOULES: Final = (100, 300, 1000, 2000, 3600, 7200, 18000, 36000, 72000, 180000, 360000)
_DELAYS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

_DRAWN: Final[Labels] = {"device": (), "variant": ()}
_KINDS: Final[Labels] = {"kind": get_args(InteractionKind)}

# -- counted when they happen

JOBS_ACCEPTED: Final = Metric(
    name="ekaki_jobs_accepted_total", kind="counter", help="Requests that became jobs."
)
JOBS_REFUSED: Final = Metric(
    name="ekaki_jobs_refused_total",
    kind="counter",
    help="Requests that were refused, by the rule or limit that refused them.",
    labels={"rule": ()},
)
JOBS_ENDED: Final = Metric(
    name="ekaki_jobs_ended_total",
    kind="counter",
    help="Jobs that ended.",
    labels={"result": get_args(JobResult)},
)
JOBS_FAILED: Final = Metric(
    name="ekaki_jobs_failed_total",
    kind="counter",
    help="Failed jobs, by their error.",
    labels={"reason": ()},
)
JOB_WAIT: Final = Metric(
    name="ekaki_job_wait_seconds",
    kind="histogram",
    help="From a job's acceptance until its first picture is being drawn.",
    buckets=_WAITS,
)
PICTURE_DURATION: Final = Metric(
    name="ekaki_picture_duration_seconds",
    kind="histogram",
    help="Drawing one picture, by device and variant of the model.",
    labels=_DRAWN,
    buckets=_PICTURES,
)
STEP_DURATION: Final = Metric(
    name="ekaki_step_duration_seconds",
    kind="histogram",
    help="One step, as the mean of each picture.",
    labels=_DRAWN,
    buckets=_STEPS,
)
PICTURE_ENERGY: Final = Metric(
    name="ekaki_picture_energy_joules",
    kind="histogram",
    help="Electricity of one picture, where the device tells; 3600 joules are a watt-hour.",
    labels=_DRAWN,
    buckets=_JOULES,
)
PICTURES_KEPT: Final = Metric(
    name="ekaki_pictures_kept_total",
    kind="counter",
    help="Pictures that passed the output check and were stored.",
)
PICTURES_WITHHELD: Final = Metric(
    name="ekaki_pictures_withheld_total",
    kind="counter",
    help="Pictures that the output check withheld.",
    labels={"reason": tuple(WithheldReason)},
)
OUTBOX_TRIES: Final = Metric(
    name="ekaki_outbox_tries_total",
    kind="counter",
    help="Attempts to send something in the background: `sent`, or what the failure means.",
    labels={"kind": (), "result": ()},
)
DISCORD_REQUESTS: Final = Metric(
    name="ekaki_discord_requests_total",
    kind="counter",
    help="Responses of Discord's API; status `error` if the connection failed.",
    labels={"method": (), "status": ()},
)
DISCORD_DURATION: Final = Metric(
    name="ekaki_discord_request_duration_seconds",
    kind="histogram",
    help="Until Discord's API responds, without waits for rate limits.",
    labels={"method": ()},
    buckets=_REQUESTS,
)
DISCORD_LIMITED: Final = Metric(
    name="ekaki_discord_rate_limited_total",
    kind="counter",
    help="Responses with status 429, by what they limit.",
    labels={"scope": ("user", "shared", "global", "cloudflare")},
)
INTERACTION_ANSWER: Final = Metric(
    name="ekaki_interaction_answer_seconds",
    kind="histogram",
    help="From a command, button or form until Discord has accepted its first response.",
    labels=_KINDS,
    buckets=_ANSWERS,
)
INTERACTIONS_MISSED: Final = Metric(
    name="ekaki_interactions_missed_total",
    kind="counter",
    help="Interactions without an accepted response within 3 seconds.",
    labels=_KINDS,
)
LOOP_DELAY: Final = Metric(
    name="ekaki_event_loop_delay_seconds",
    kind="histogram",
    help="How late the event loop runs a task, ten times a second.",
    buckets=_DELAYS,
)

# -- read at each scrape

INFO: Final = Metric(
    name="ekaki_info",
    kind="gauge",
    help="Always 1; the labels describe the bot.",
    labels={"version": (), "model": (), "variant": (), "provider": (), "engine": ()},
)
READY: Final = Metric(
    name="ekaki_ready",
    kind="gauge",
    help="1 if this part is ready; all of them make /healthz/ready.",
    labels={"part": get_args(Part)},
)
JOBS: Final = Metric(
    name="ekaki_jobs",
    kind="gauge",
    help="Jobs that wait or run.",
    labels={"state": ("waiting", "running")},
)
PICTURES_WAITING: Final = Metric(
    name="ekaki_pictures_waiting", kind="gauge", help="Pictures that no engine has begun."
)
OLDEST_WAIT: Final = Metric(
    name="ekaki_queue_oldest_wait_seconds",
    kind="gauge",
    help="How long the oldest waiting job has waited; 0 without one.",
)
QUEUE_ETA: Final = Metric(
    name="ekaki_queue_eta_seconds",
    kind="gauge",
    help="Estimated time until all accepted jobs are done; absent while unknown.",
)
UNDELIVERED: Final = Metric(
    name="ekaki_jobs_undelivered",
    kind="gauge",
    help="Ended jobs whose user was not notified yet.",
)
REPORTS: Final = Metric(name="ekaki_reports_open", kind="gauge", help="Reports to be decided.")
REVIEWS: Final = Metric(
    name="ekaki_reviews_waiting", kind="gauge", help="Withheld pictures to be reviewed."
)
ENGINES: Final = Metric(
    name="ekaki_engines",
    kind="gauge",
    help="Engines by state, also those on other machines.",
    labels={"state": get_args(State)},
)
RESTING: Final = Metric(
    name="ekaki_resting",
    kind="gauge",
    help="1 while nothing is drawn for this reason, though requests are accepted.",
    labels={"reason": get_args(RestReason)},
)
REST_END: Final = Metric(
    name="ekaki_rest_end_timestamp_seconds",
    kind="gauge",
    help="When that ends, in seconds since the epoch; absent while unknown, and while it draws.",
)
HOST_DEVICES: Final = Metric(
    name="ekaki_host_devices",
    kind="gauge",
    help="Devices of other machines by state.",
    labels={"state": get_args(HostState)},
)
OUTBOX_ITEMS: Final = Metric(
    name="ekaki_outbox_items",
    kind="gauge",
    help="What waits to be sent, or was rejected (parked), by the subject of its lane.",
    labels={"lane": (), "state": ("waiting", "parked")},
)
OUTBOX_OLDEST: Final = Metric(
    name="ekaki_outbox_oldest_seconds",
    kind="gauge",
    help="Age of the oldest of them.",
    labels={"lane": (), "state": ("waiting", "parked")},
)
DISCORD_SERVERS: Final = Metric(
    name="ekaki_discord_servers", kind="gauge", help="Servers that the bot is in."
)
DISCORD_SHARDS: Final = Metric(
    name="ekaki_discord_shards",
    kind="gauge",
    help="Connections to Discord's gateway, each for a part of the servers.",
    labels={"state": ("connected", "disconnected")},
)
DISCORD_LATENCY: Final = Metric(
    name="ekaki_discord_gateway_latency_seconds",
    kind="gauge",
    help="Between the latest heartbeat and its answer; absent while not connected.",
    labels={"shard": ()},
)
DISK_FREE: Final = Metric(
    name="ekaki_disk_free_bytes",
    kind="gauge",
    help="Free space on the disk of a folder.",
    labels={"folder": ("data", "models")},
)
DISK_SIZE: Final = Metric(
    name="ekaki_disk_size_bytes",
    kind="gauge",
    help="Size of that disk.",
    labels={"folder": ("data", "models")},
)
BACKUP_AGE: Final = Metric(
    name="ekaki_backup_age_seconds",
    kind="gauge",
    help="How old the last automatic backup is, where BACKUP_DIR is set.",
)
DATABASE_SIZE: Final = Metric(
    name="ekaki_database_size_bytes",
    kind="gauge",
    help="Size of the database, and of its write-ahead log.",
    labels={"part": ("main", "log")},
)

COUNTED: Final = (
    JOBS_ACCEPTED, JOBS_REFUSED, JOBS_ENDED, JOBS_FAILED, JOB_WAIT, PICTURE_DURATION,
    STEP_DURATION, PICTURE_ENERGY, PICTURES_KEPT, PICTURES_WITHHELD, OUTBOX_TRIES, DISCORD_REQUESTS,
    DISCORD_DURATION, DISCORD_LIMITED, INTERACTION_ANSWER, INTERACTIONS_MISSED, LOOP_DELAY,
)  # fmt: skip
READ: Final = (
    INFO, READY, JOBS, PICTURES_WAITING, OLDEST_WAIT, QUEUE_ETA, UNDELIVERED, REPORTS, REVIEWS,
    ENGINES, RESTING, REST_END, HOST_DEVICES, OUTBOX_ITEMS, OUTBOX_OLDEST, DISCORD_SERVERS,
    DISCORD_SHARDS, DISCORD_LATENCY, DISK_FREE, DISK_SIZE, DATABASE_SIZE, BACKUP_AGE,
)  # fmt: skip

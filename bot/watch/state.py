"""What is read at each scrape: in memory, from the database's readers, and of the disk in a thread.
Nothing blocks the event loop."""

import asyncio
import logging
import shutil
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final

from bot.client.client import EkakiBot
from bot.client.sharded import ShardView
from bot.jobs.draw.queue_view import QueueCounts
from bot.watch.health import Health, Readiness
from data.guilds import backlog
from data.guilds.backlog import Backlog
from data.guilds.outbox import SubjectCount
from pipeline.engine.protocol import ModelDescription
from pipeline.errors import StorageError

_log = logging.getLogger(__name__)

READ_WITHIN_S: Final = 5.0  # Prometheus waits 10 s


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskState:
    """Bytes by folder, and of the files of the database by part. What can't be read is missing."""

    free: Mapping[str, int]
    size: Mapping[str, int]
    database: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What the database says."""

    backlog: Backlog
    outbox: tuple[SubjectCount, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BotState:
    """Everything at one moment, `now` (seconds since the epoch). `stored` is None if the database
    can't be read, `backup_age_s` if there is no automatic backup."""

    now: float
    version: str
    model: ModelDescription | None
    readiness: Readiness
    queue: QueueCounts
    engines: Mapping[str, int]
    host_devices: Mapping[str, int]
    servers: int
    shards: tuple[ShardView, ...]
    disk: DiskState
    stored: Stored | None
    backup_age_s: float | None = None


async def read_state(bot: EkakiBot, health: Health) -> BotState:
    """The state of `bot`."""
    services, settings = bot.services, bot.services.settings
    readiness, stored, disk = await asyncio.gather(
        health.readiness(),
        _stored(bot),
        asyncio.to_thread(
            partial(
                disk_state,
                {"data": settings.data_dir, "models": settings.models_dir},
                services.database.path,
            )
        ),
    )
    bot.traffic.expire()
    hosts = [] if services.hosts is None else services.hosts.view()
    return BotState(
        now=services.clock.time(),
        version=version("ekaki"),
        model=services.jobs.model,
        readiness=readiness,
        queue=services.jobs.queue_counts(),
        engines={str(each): n for each, n in services.jobs.runner.engines.states.items()},
        host_devices=Counter(view.state for view in hosts),
        servers=len(bot.guilds),
        shards=tuple(bot.shard_views()),
        disk=disk,
        stored=stored,
        backup_age_s=services.backups.age_s,
    )


async def _stored(bot: EkakiBot) -> Stored | None:
    services = bot.services
    try:
        async with asyncio.timeout(READ_WITHIN_S):
            return Stored(
                backlog=await services.database.read(backlog.count),
                outbox=tuple(await services.outbox.by_subject()),
            )
    except (StorageError, TimeoutError) as error:
        _log.warning("The database can't be read for metrics: %s", error or "too slow")
        return None


def disk_state(folders: Mapping[str, Path], database: Path) -> DiskState:
    """Called in a thread: a network disk may hang."""
    usage: dict[str, tuple[int, int]] = {}
    for name, folder in folders.items():
        with suppress(OSError):  # perhaps not there yet
            found = shutil.disk_usage(folder)
            usage[name] = found.free, found.total
    sizes: dict[str, int] = {}
    for part, path in (("main", database), ("log", database.with_name(f"{database.name}-wal"))):
        with suppress(OSError):
            sizes[part] = path.stat().st_size
    return DiskState(
        free={name: free for name, (free, _) in usage.items()},
        size={name: total for name, (_, total) in usage.items()},
        database=sizes,
    )

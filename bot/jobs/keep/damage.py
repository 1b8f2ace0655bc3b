"""Jobs whose rows can't be read (a damaged disk, another version's request): closed at the start,
so that they stop no other job."""

import logging

from bot.jobs.keep.store import JobStore
from bot.jobs.keep.stored import end_of
from data.jobs import jobs
from pipeline.errors import StorageError

_log = logging.getLogger(__name__)


async def set_damaged_aside(store: JobStore, *, now: float) -> None:
    """Close what is open or to be told and can't be read. It gives its quota back; its row and its
    pictures stay, and nobody is told: who is to be told can't be read."""
    async with store.database.reader() as connection:
        found = await jobs.unsettled_ids(connection)
    for job_id in found:
        try:
            stored = await store.get(job_id)
            if stored is not None:
                end_of(stored, model=None)
        except StorageError:
            raise
        except Exception:  # noqa: BLE001 - damage of any kind
            _log.exception("Job %s can't be read; it is closed, the others go on", job_id)
            await store.close_damaged(job_id, now=now)

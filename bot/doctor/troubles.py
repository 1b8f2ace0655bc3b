"""Recent failures that an operator should look into."""

import sqlite3
import time
from pathlib import Path
from typing import Final

from bot.doctor.values import Check, ok, warn
from data.store.database import DATABASE_NAME

DAYS: Final = 7

_MEANINGS: Final = {
    "job_ended_process": "ended the bot twice",
    "engine_hung": "found an engine that did not respond",
    "device_lost": "lost the device twice",
}
_FIX: Final = (
    "Look at `dmesg` and the bot's log at that time: too little memory for such sizes, or a fault"
    " of the driver or of a library."
)


def check_troubles(data_dir: Path) -> Check:
    """Recent jobs that failed because of the machine, not because of the request."""
    from data.jobs import failures

    path = (data_dir / DATABASE_NAME).absolute()
    if not path.exists():
        return ok("Drawing", "nothing drawn yet")
    since = time.time() - DAYS * 86_400
    try:
        found = failures.recent(path, since=since, keys=_MEANINGS)
    except sqlite3.Error as error:  # an older database, or one that the previous check reports
        return warn("Drawing", f"can't be read: {error}", "See the database's check.")
    if not found:
        return ok("Drawing", f"no job ended the bot or hung in the last {DAYS} days")
    said = "; ".join(
        f"{count} {'job' if count == 1 else 'jobs'} {_MEANINGS[key]}"
        for key, count in sorted(found.items())
    )
    return warn("Drawing", f"in the last {DAYS} days {said}", _FIX)

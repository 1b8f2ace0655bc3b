"""Checks of DATA_DIR: whether a running bot still uses it, and who may read it."""

import os
from collections.abc import Iterator
from pathlib import Path

from bot.doctor.values import Check, fail, ok, warn
from data.store.database import DATABASE_NAME
from data.store.lock import describe, held_database, holder
from data.store.private import too_open


def check_place(data_dir: Path) -> Iterator[Check]:
    """Both checks; none while there is no folder yet."""
    if data_dir.is_dir():
        yield from _check_running(data_dir)
        if os.name == "posix":
            yield _check_rights(data_dir)


def _check_running(data_dir: Path) -> Iterator[Check]:
    """Check that the running bot uses this folder."""
    pid = holder(data_dir)
    known = held_database(data_dir)
    if pid is None or known is None:
        return
    try:
        found = describe(data_dir / DATABASE_NAME)
    except OSError:
        found = "nothing"
    if known == found:
        yield ok("DATA_DIR", f"the bot that runs (process {pid}) works with it")
        return
    found = f"process {pid} works with another database than the one that lies in {data_dir}"
    fix = "Put back what was moved or replaced, then restart the bot."
    yield fail("DATA_DIR", found, fix)


def _check_rights(data_dir: Path) -> Check:
    wide = too_open(data_dir)
    if not wide:
        return ok("DATA_DIR", "nobody else on this machine may read it")
    names = ", ".join(path.name for path in wide[:5])
    found = f"others on this machine may read or change {names}"
    return warn(
        "DATA_DIR", found, f"chmod -R go-rwx {data_dir} (the bot does it at its next start)"
    )

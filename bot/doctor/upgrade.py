"""What the next start will do to the database: `doctor --upgrade`. Tried on a copy first."""

import asyncio
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bot.backup import upgrading
from bot.backup.making import MARGIN_BYTES
from bot.backup.reviving import OLDEST
from bot.common.wording import gib, words
from bot.config.settings import Settings
from bot.doctor.values import Check, fail, ok, warn
from data.store import migration_notes, snapshot
from data.store.database import DATABASE_NAME, Database, migrations
from data.store.lock import holder
from pipeline.errors import StorageError

NAME: Final = "Upgrade"


def check_upgrade(settings: Settings) -> Iterator[Check]:
    """What will happen, how long it takes, how much room it needs, and the way back."""
    database = settings.data_dir / DATABASE_NAME
    if not database.exists():
        yield ok(NAME, "there is no database yet; the first start makes one")
        return
    try:
        versions = upgrading.pending(database)
        found = snapshot.version_of(database)
    except StorageError as error:
        yield fail(NAME, words(error), "Run python -m bot doctor.")
        return
    if versions is None:
        yield _nothing(found)
        return
    yield from _planned(settings, database, *versions)


def _nothing(found: int) -> Check:
    known = migrations()[-1][0]
    if found > known:
        fix = "Install the newer version of Ekaki again, or restore a backup."
        return fail(NAME, f"the database has version {found}, this Ekaki knows {known}", fix)
    return ok(NAME, f"nothing to do: the database has version {found}, which this Ekaki needs")


def _planned(settings: Settings, database: Path, found: int, needed: int) -> Iterator[Check]:
    size = snapshot.size_of(database)
    yield ok(NAME, f"version {found} becomes {needed} at the next start ({gib(size)})")
    for number, note in migration_notes.after(found):
        yield ok(f"Migration {number}", note)
    free = shutil.disk_usage(settings.data_dir).free
    needs = 2 * size + MARGIN_BYTES
    yield _room(settings, free, needs)
    if free >= needs:
        yield _rehearsed(settings.data_dir, database)
    if holder(settings.data_dir) is not None:
        yield warn(NAME, "the bot runs", "Stop it, then start it with the new version.")
    yield _way_back(settings, found)


def _room(settings: Settings, free: int, needs: int) -> Check:
    copy = "a copy" if settings.upgrade_copy else "no copy (UPGRADE_COPY=no)"
    line = f"{copy} is made first; {gib(needs)} needed, {gib(free)} free"
    if free >= needs:
        return ok("Room", line)
    return fail("Room", line, "Free some space, or it is not upgraded.")


def _rehearsed(data_dir: Path, database: Path) -> Check:
    """Upgrade a copy, which is removed afterwards."""
    copy = data_dir / upgrading.FOLDER / upgrading.REHEARSAL
    began = time.monotonic()
    try:
        upgrading.prepare_folder(data_dir)
        snapshot.copy_database(database, copy)
        asyncio.run(_open(copy))
        problems = snapshot.problems_of(copy)
    except Exception as error:  # noqa: BLE001 - whatever it is, the start would end with it
        shown = words(error) if isinstance(error, StorageError) else str(error)
        return fail("Tried", f"on a copy, it fails: {shown}", _REPORT)
    finally:
        for path in (copy, *(copy.with_name(copy.name + end) for end in ("-wal", "-shm"))):
            path.unlink(missing_ok=True)
    if problems:
        return fail("Tried", f"on a copy, it leaves damage: {problems[0]}", _REPORT)
    took = time.monotonic() - began
    shown = f"{max(1, took):.0f} s" if took < 120 else f"{took / 60:.0f} minutes"
    return ok("Tried", f"on a copy: it works, and takes about {shown}")


_REPORT: Final = "Stay with the earlier version, and report this as a fault of Ekaki."


async def _open(copy: Path) -> None:
    async with Database.open(copy):
        pass


def _way_back(settings: Settings, found: int) -> Check:
    copy = settings.data_dir / upgrading.FOLDER / f"{found:04d}.db"
    if not settings.upgrade_copy:
        return warn("Way back", "none, because no copy is made", "Make a backup first.")
    if found < OLDEST:
        return ok("Way back", f"stop the bot and put {copy} in the place of {DATABASE_NAME}")
    return ok(
        "Way back",
        "stop the bot; python -m bot restore --before-upgrade; install the earlier version. What "
        "was made since is set aside",
    )

"""`restore`: puts a backup in the place of what is stored."""

import argparse
import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.shared import Subparsers, load_settings
from bot.common.terminal import note, say

if TYPE_CHECKING:
    from bot.backup.restoring import Restored


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    command = subparsers.add_parser(
        "restore",
        help="put a backup in the place of what is stored",
        description="Check a backup completely, then replace the state in DATA_DIR by it. The bot "
        "must not run. What was there is kept in DATA_DIR as before-restore-TIME. What people "
        "deleted since is deleted again. If this is interrupted, the next start finishes it.",
    )
    command.add_argument(
        "folder",
        type=Path,
        metavar="DIR",
        nargs="?",
        help="where the backups are (default: BACKUP_DIR)",
    )
    command.add_argument(
        "--generation", metavar="NAME", help="which one (default: the newest), by its folder"
    )
    command.add_argument(
        "--before-upgrade",
        type=int,
        nargs="?",
        const=0,
        metavar="VERSION",
        help="instead of a backup: the copy of the database that the last upgrade made (or the one "
        "of this version of the database), to go back to an earlier Ekaki",
    )
    command.add_argument(
        "--despite-deletions",
        action="store_true",
        help="restore although deletions since the backup are not known any more",
    )
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Restore."""
    from bot.backup.swapping import finish
    from bot.config.reading import SettingsError
    from data.store.lock import only_one
    from data.store.private import make_folder
    from pipeline.disk import at
    from pipeline.errors import InputError

    settings = load_settings(args)
    data_dir = settings.data_dir
    if args.folder is not None and args.before_upgrade is not None:
        raise InputError("restore_what")
    if args.before_upgrade is None and args.folder is None:
        if not settings.backup_dir:
            raise SettingsError("backup_dir_missing")
        args.folder = Path(settings.backup_dir)
    with at(data_dir):
        make_folder(data_dir)
    with only_one(data_dir):
        finished = finish(data_dir)
        if finished:
            note(finished)
        restore = _backup if args.before_upgrade is None else _before_upgrade
        done = asyncio.run(restore(args, data_dir))
    say(summary(done))
    return 0


async def _backup(args: argparse.Namespace, data_dir: Path) -> "Restored":
    import time

    from bot.backup.folder import BackupFolder
    from bot.backup.report import Report
    from bot.backup.restoring import restore_backup

    folder = BackupFolder.open(args.folder)
    return await restore_backup(
        data_dir,
        folder,
        folder.newest(args.generation),
        now=time.time(),
        insist=args.despite_deletions,
        report=Report(note),
    )


async def _before_upgrade(args: argparse.Namespace, data_dir: Path) -> "Restored":
    import time

    from bot.backup.going_back import chosen, go_back

    copy = chosen(data_dir, args.before_upgrade or None)
    done = await go_back(data_dir, copy, now=time.time(), insist=args.despite_deletions)
    note("Install the version of Ekaki that was there before, then start it.")
    return done


def summary(done: "Restored") -> str:
    """What was restored, in one line."""
    settled, deleted = done.revived.settled, done.revived.deleted
    line = f"Restored {done.name}; pictures: {done.files:,}."
    if done.missing:
        line += f" Missing in the backup: {done.missing:,}."
    if settled.ended or settled.kept:
        line += (
            f" Requests that were waiting are ended and refunded: {settled.ended:,}; results that "
            f"were not delivered are in /history: {settled.kept:,}."
        )
    if deleted:
        line += f" Deleted again, as asked since: {deleted.total():,}."
    if done.aside is not None:
        line += f" What was there before is in {done.aside}; delete it when you are sure."
    return line

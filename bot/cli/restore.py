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
    command.add_argument("folder", type=Path, metavar="DIR", help="where the backups are")
    command.add_argument(
        "--generation", metavar="NAME", help="which one (default: the newest), by its folder"
    )
    command.add_argument(
        "--despite-deletions",
        action="store_true",
        help="restore although deletions since the backup are not known any more",
    )
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Restore."""
    import time

    from bot.backup.folder import BackupFolder
    from bot.backup.report import Report
    from bot.backup.restoring import restore_backup
    from bot.backup.swapping import finish
    from data.store.lock import only_one
    from data.store.private import make_folder
    from pipeline.disk import at

    data_dir = load_settings(args).data_dir
    folder = BackupFolder.open(args.folder)
    with at(data_dir):
        make_folder(data_dir)
    with only_one(data_dir):
        finished = finish(data_dir)
        if finished:
            note(finished)
        done = asyncio.run(
            restore_backup(
                data_dir,
                folder,
                folder.newest(args.generation),
                now=time.time(),
                insist=args.despite_deletions,
                report=Report(note),
            )
        )
    say(summary(done))
    return 0


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

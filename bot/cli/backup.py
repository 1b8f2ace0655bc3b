"""`backup`: copies everything that the bot stores, also while it runs."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.shared import Subparsers, load_settings
from bot.common.terminal import note, say

if TYPE_CHECKING:
    from bot.backup.making import Made


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    command = subparsers.add_parser(
        "backup",
        help="copy the database and the pictures, also while the bot runs",
        description="Back up DATA_DIR to a folder of its own. Only what is new is copied; each "
        "backup can be restored by itself. Exit status 1 if nothing was made, if pictures are lost "
        "or damaged, or if --verify finds damage.",
    )
    command.add_argument(
        "folder",
        type=Path,
        metavar="DIR",
        nargs="?",
        help="where backups are kept (default: BACKUP_DIR, where BACKUP_KEEP and BACKUP_DAYS hold)",
    )
    what = command.add_mutually_exclusive_group()
    what.add_argument(
        "--keep", type=_count, metavar="N", help="keep the N newest backups, remove older ones"
    )
    what.add_argument(
        "--verify", action="store_true", help="make none: check all that are there, completely"
    )
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Make or check."""
    from bot.config.reading import SettingsError

    settings = load_settings(args)
    if args.folder is None and not settings.backup_dir:
        raise SettingsError("backup_dir_missing")
    root = args.folder or Path(settings.backup_dir)
    if args.verify:
        return _verify(root)

    import time
    from importlib.metadata import version

    from bot.backup.making import make_backup
    from bot.backup.pruning import Kept
    from bot.backup.report import Report
    from bot.backup.schedule import kept_of

    kept = kept_of(settings) if args.folder is None else None
    made = make_backup(
        settings.data_dir,
        root,
        now=time.time(),
        version=version("ekaki"),
        kept=kept if args.keep is None else Kept(count=args.keep),
        report=Report(note),
    )
    say(summary(made))
    return 1 if made.lost else 0


def summary(made: "Made") -> str:
    """What was made, in one line."""
    from bot.common.wording import gib

    line = (
        f"Backup {made.name}: database {gib(made.database_bytes)}; pictures: {made.files:,}, new: "
        f"{made.copied:,} ({gib(made.copied_bytes)})."
    )
    if made.lost:
        line += f" Lost or damaged pictures: {made.lost:,}."
    if made.removed:
        line += f" Older backups removed: {len(made.removed):,}."
    return line


def _verify(root: Path) -> int:
    from bot.backup.checking import check
    from bot.backup.folder import BackupFolder
    from bot.backup.report import Report
    from pipeline.errors import StorageError

    folder = BackupFolder.open(root)
    contents = folder.contents()
    for path in contents.incomplete:
        note(f"{path.name} was never finished; the next backup removes it.")
    if not contents.complete and not contents.damaged:
        raise StorageError("backup_none", path=str(root))
    damages = check(folder, contents.complete, Report(note))
    for damage in damages:
        note(f"damaged: {damage.path}: {damage.problem}")
    for path, problem in contents.damaged:
        note(f"damaged: {path}: {problem}")
    pictures = {each for one in contents.complete for each in one.listed} if not damages else ()
    found = len(damages) + len(contents.damaged)
    if found:
        say(f"Damaged: {found:,}. Backups: {len(contents.complete):,}.")
        return 1
    say(f"Everything is intact. Backups: {len(contents.complete):,}, pictures: {len(pictures):,}.")
    return 0


def _count(typed: str) -> int:
    """A number of backups, from 1."""
    count = int(typed)
    if count < 1:
        raise ValueError(typed)
    return count

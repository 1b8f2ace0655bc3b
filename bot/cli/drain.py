"""`drain`: lets the running bot finish everything and then exit."""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

from bot.cli.shared import Subparsers, load_settings
from bot.common.terminal import note, say

_LOOK_EVERY_S = 0.5


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    command = subparsers.add_parser(
        "drain",
        help="let the running bot finish all accepted jobs and exit",
        description="The running bot takes no new requests, draws and delivers what it has "
        "accepted, and ends. This command waits for that; Ctrl-C stops only the waiting. Exit "
        "status 1 if the bot ended before everything was finished.",
    )
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ask, then wait until the bot has ended."""
    from data.store.lock import holder
    from pipeline.errors import RefusedError, StorageError

    settings = load_settings(args)
    if sys.platform == "win32":
        raise RefusedError("drain_unsupported")
    pid = holder(settings.data_dir)
    if pid is None:
        raise StorageError("not_running", path=str(settings.data_dir))
    try:
        os.kill(pid, signal.SIGUSR1)
    except PermissionError as error:
        raise RefusedError("drain_not_allowed", pid=pid) from error
    except ProcessLookupError:
        pass  # it has just ended
    note(
        "The bot is not taking new requests and finishes what it has. Ctrl-C stops only this"
        " display."
    )
    return _watch(settings.data_dir, pid)


def _watch(folder: Path, pid: int) -> int:
    """Print what is left whenever that changes. Returns 0 if nothing is left at the end."""
    from data.jobs.left import read_left
    from data.store.database import DATABASE_NAME
    from data.store.lock import holder

    database = folder / DATABASE_NAME
    told = None
    while holder(folder) == pid:
        left = read_left(database)
        if left != told:
            note(f"Left to draw: {left.to_draw}, to deliver: {left.to_deliver}.")
            told = left
        time.sleep(_LOOK_EVERY_S)
    left = read_left(database)
    if left.to_draw or left.to_deliver:
        say(
            f"The bot has ended with jobs left (to draw: {left.to_draw}, to deliver: "
            f"{left.to_deliver}). They go on at the next start."
        )
        return 1
    say("Everything is finished, and the bot has ended.")
    return 0

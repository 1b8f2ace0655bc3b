"""`python -m bot`: reads the command, runs it, and turns every outcome into an exit status.

0: done. 1: an error, one line on standard error. 2: wrong usage. 75: DATA_DIR was moved or
replaced, so start again. 130: interrupted.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bot.cli import commands
from bot.cli.failing import EXIT_ERROR, EXIT_INTERRUPTED, failed
from bot.common.terminal import complain


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="python -m bot",
        description="Ekaki: a self-hosted anime image bot for Discord.",
        epilog="Settings come from the environment and from .env; see .env.example.",
    )
    top.add_argument(
        "--env-file",
        type=Path,
        default=Path(".env"),
        metavar="FILE",
        help="the file with the settings (default: .env)",
    )
    subparsers = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in commands.ALL:
        add(subparsers)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command in `argv` (None: the process's arguments). Returns the exit status."""
    args = parser().parse_args(argv)
    try:
        return int(args.run(args))
    except KeyboardInterrupt:
        complain("Interrupted.")
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # `ekaki ... | head`
        if sys.stderr is not None:
            sys.stderr.close()
        return EXIT_ERROR
    except Exception as error:  # noqa: BLE001 - the last place that can report an error
        return failed(error)

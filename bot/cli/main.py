"""`python -m bot`: reads the command, runs it, turns every end into an exit status.

0: done. 1: an error, one line on standard error. 2: wrong usage. 75: DATA_DIR was moved or
replaced, so start again. 130: interrupted.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bot.cli import commands
from bot.cli.output import complain

EXIT_ERROR = 1
EXIT_AGAIN = 75  # EX_TEMPFAIL of sysexits.h
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells count


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
    """Run the command in `argv` (None: of the process). Gives the exit status."""
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
    except Exception as error:  # noqa: BLE001 - the last place where an error can be told in a line
        return failed(error)


def failed(error: Exception) -> int:
    """Tell `error` in a line. Gives the exit status."""
    from bot.wording import words
    from pipeline.disk import disk_error, is_about_files
    from pipeline.errors import Cancelled, EkakiError

    if isinstance(error, Cancelled):
        complain("Interrupted.")
        return EXIT_INTERRUPTED
    if isinstance(error, EkakiError):
        complain(words(error))
        return EXIT_AGAIN if error.key == "data_dir_replaced" else EXIT_ERROR
    if isinstance(error, OSError) and is_about_files(error):
        complain(words(disk_error(error, "a file")))
    elif isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        complain(f"{error.strerror or error}{where}")
    else:
        _unexpected(error)
    return EXIT_ERROR


def _unexpected(error: Exception) -> None:
    """A mistake of ours: the line says so, the log has the rest where somebody asked for it."""
    import logging

    logging.getLogger(__name__).debug("Unexpected error", exc_info=error)
    complain(f"unexpected error, {type(error).__name__}: {error} (LOG_LEVEL=DEBUG tells more)")

"""Output for the shell: results on standard output, everything else on standard error."""

import os
import sys
from contextlib import suppress

from bot.common.secret import Secret


def say(line: str) -> None:
    """Print a result. StorageError if standard output is a file that can't be written."""
    from pipeline.disk import at
    from pipeline.errors import StorageError

    if sys.stdout is None:  # closed before we started: Python then has none
        raise StorageError("output_closed", path="standard output")
    try:
        with at("standard output"):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
    except Exception:
        # What is left in the buffer would fail again when Python exits.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


def note(line: str) -> None:
    """Print progress. If standard error can't be written, nobody can be told."""
    with suppress(OSError):
        if sys.stderr is not None:
            sys.stderr.write(line + "\n")
            sys.stderr.flush()


def complain(message: str, *, secrets: tuple[Secret, ...] = ()) -> None:
    """Print an error in one line and without secrets."""
    from bot.common.logs import redact

    note("ekaki: " + redact(" ".join(message.split()), secrets))

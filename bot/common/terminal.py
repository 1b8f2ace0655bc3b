"""What the shell sees: results on standard output, everything else on standard error."""

import os
import sys
from contextlib import suppress

from bot.common.secret import Secret


def say(line: str) -> None:
    """A result. StorageError where standard output goes to a file that can't take it."""
    from pipeline.disk import at
    from pipeline.errors import StorageError

    if sys.stdout is None:  # closed before we began: Python then has none
        raise StorageError("output_closed", path="standard output")
    try:
        with at("standard output"):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
    except Exception:
        # What is left in the buffer would fail once more when Python ends.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


def note(line: str) -> None:
    """Something on the way. Where standard error takes nothing there is nobody to tell."""
    with suppress(OSError):
        if sys.stderr is not None:
            sys.stderr.write(line + "\n")
            sys.stderr.flush()


def complain(message: str, *, secrets: tuple[Secret, ...] = ()) -> None:
    """An error, in one line and without secrets."""
    from bot.common.logs import redact

    note("ekaki: " + redact(" ".join(message.split()), secrets))

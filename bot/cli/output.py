"""What the shell sees: results on standard output, everything else on standard error."""

import sys

from bot.secret import Secret


def say(line: str) -> None:
    """A result."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def note(line: str) -> None:
    """Something on the way."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def complain(message: str, *, secrets: tuple[Secret, ...] = ()) -> None:
    """An error, in one line and without secrets."""
    from bot.logs import redact

    note("ekaki: " + redact(" ".join(message.split()), secrets))

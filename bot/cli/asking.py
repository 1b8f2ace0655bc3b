"""Questions in a terminal. Where nobody can answer, none is asked."""

import select
import sys
from typing import Final

from bot.common.terminal import note

CAN_STOP_WAITING: Final = sys.platform != "win32"
"""Whether a question may have a time limit: elsewhere a terminal can't be waited for like that."""


def is_terminal() -> bool:
    """Whether a person sees what is asked and can answer: no service, container or pipe."""
    try:
        return sys.stdin.isatty() and sys.stderr.isatty()
    except (AttributeError, ValueError):  # no standard input at all, or a closed one
        return False


def yes(question: str, *, within_s: float | None = None) -> bool:
    """Ask on a terminal; Enter means yes, the end of the input no. No answer `within_s` seconds
    (None: there is no hurry) means no."""
    sys.stderr.write(f"{question} [Y/n] ")
    sys.stderr.flush()
    if within_s is not None and not select.select([sys.stdin], [], [], within_s)[0]:
        note("")
        return False
    answer = sys.stdin.readline()
    return bool(answer) and answer.strip().lower() in {"", "y", "yes"}

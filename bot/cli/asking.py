"""Questions in a terminal. None is asked where nobody can answer."""

import select
import sys
from typing import Final

from bot.common.terminal import note

CAN_STOP_WAITING: Final = sys.platform != "win32"
"""Whether a question can have a time limit. Windows can't wait for a terminal like that."""


def is_terminal() -> bool:
    """Whether a person sees what is asked and can answer: no service, container or pipe."""
    try:
        return sys.stdin.isatty() and sys.stderr.isatty()
    except (AttributeError, ValueError):  # no standard input at all, or a closed one
        return False


def yes(question: str, *, within_s: float | None = None) -> bool:
    """Ask on a terminal. Enter means yes; the end of the input, or no answer within `within_s`
    seconds (None: no limit), means no."""
    sys.stderr.write(f"{question} [Y/n] ")
    sys.stderr.flush()
    if within_s is not None and not select.select([sys.stdin], [], [], within_s)[0]:
        note("")
        return False
    answer = sys.stdin.readline()
    return bool(answer) and answer.strip().lower() in {"", "y", "yes"}

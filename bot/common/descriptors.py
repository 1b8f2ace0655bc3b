"""How many files and connections the system lets this process have open."""

import sys
from contextlib import suppress
from typing import Final

ENOUGH: Final = 65_536  # more is never needed, and some systems call "unlimited" what they refuse
_UNKNOWN: Final = 1024  # where the system has no such limit, as Windows


def raise_limit() -> None:
    """Let this process have as many open as the system allows it, up to ENOUGH.

    Many systems start with 1,024, which is for programs that still use `select`.
    """
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):  # macOS has a further limit, and does not say which
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def limit() -> int:
    """How many can be open now."""
    if sys.platform == "win32":
        return _UNKNOWN
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return ENOUGH if soft == resource.RLIM_INFINITY else soft

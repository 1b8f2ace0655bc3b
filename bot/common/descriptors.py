"""The limit on open files and connections of this process."""

import sys
from contextlib import suppress
from typing import Final

ENOUGH: Final = 65_536  # more is never needed, and some systems report "unlimited" but refuse it
_UNKNOWN: Final = 1024  # if the system has no such limit, as Windows


def raise_limit() -> None:
    """Raise the limit to what the system allows, up to ENOUGH.

    Many systems start with 1,024, a limit for programs that still use `select`.
    """
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):  # macOS has another limit and does not report it
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def limit() -> int:
    """The number that can be open now."""
    if sys.platform == "win32":
        return _UNKNOWN
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return ENOUGH if soft == resource.RLIM_INFINITY else soft

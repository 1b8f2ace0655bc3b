"""Named places between a commit and the send that follows it, where a test may kill the process.

In production `hit` is a dictionary look-up. A failpoint is enabled through the environment
(`EKAKI_FAILPOINT=name[:n]`, for the n-th hit) and then ends the process as `kill -9` would.
"""

import os
import signal
from collections import Counter

_hits: Counter[str] = Counter()


def hit(name: str) -> None:
    """Pass the failpoint `name`; if it is enabled for this hit, the process ends here."""
    armed = os.environ.get("EKAKI_FAILPOINT")
    if not armed:
        return
    wanted, _, count = armed.partition(":")
    if wanted == name:
        _hits[name] += 1
        if _hits[name] >= int(count or 1):
            os.kill(os.getpid(), signal.SIGKILL)

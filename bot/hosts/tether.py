"""Runs a command while the process that started it lives: `python -m bot.hosts.tether COMMAND`.

Standard input is a pipe on which nothing is sent: its end says that the other process ended, by
SIGKILL or for lack of memory as well.
"""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from typing import Final

_TERM_S: Final = 20.0


def main(command: list[str]) -> int:
    """Run `command`. Returns its exit status."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - of our own process
    signal.signal(signal.SIGTERM, lambda _number, _frame: child.terminate())
    alone = threading.Event()
    threading.Thread(target=_end_with_parent, args=(child, alone), daemon=True).start()
    status = child.wait()
    if alone.is_set():
        _end_group()
    return status


def _end_with_parent(child: "subprocess.Popen[bytes]", alone: threading.Event) -> None:
    with suppress(OSError):
        while os.read(0, 1024):
            pass
    alone.set()
    child.terminate()
    with suppress(subprocess.TimeoutExpired):
        child.wait(_TERM_S)
    _end_group()


def _end_group() -> None:
    """What the command started ends as well, if this process has a group of its own."""
    if os.name == "posix" and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

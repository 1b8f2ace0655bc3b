"""What a process started ends with it, however it ends."""

import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests.support.patience import PATIENCE_S

WAIT = "import time; time.sleep(600)"
COMMAND = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {WAIT!r}]); {WAIT}"
PARENT = """
import subprocess, sys, time
child = subprocess.Popen(
    [sys.executable, "-m", "bot.hosts.tether", sys.executable, "-c", sys.argv[1]],
    stdin=subprocess.PIPE, start_new_session=True,
)
print(child.pid, flush=True)
time.sleep(600)
"""


def family_of(pid: int, size: int) -> list[psutil.Process]:
    """The tether and what it started, once there are `size` of them."""
    top = psutil.Process(pid)
    ends_at = time.monotonic() + PATIENCE_S
    while len(found := [top, *top.children(recursive=True)]) < size:
        assert time.monotonic() < ends_at, found
        time.sleep(0.02)
    return found


@pytest.mark.skipif(sys.platform == "win32", reason="process groups of POSIX")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_everything_ends_with_the_process_that_started_it(number: int) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, COMMAND], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    with parent:
        family = family_of(int(parent.stdout.readline()), 3)
        parent.send_signal(number)
    _, alive = psutil.wait_procs(family, timeout=PATIENCE_S)
    assert alive == []


def test_the_exit_status_is_that_of_the_command() -> None:
    tether = subprocess.Popen(
        [sys.executable, "-m", "bot.hosts.tether", sys.executable, "-c", "raise SystemExit(7)"],
        stdin=subprocess.PIPE,
    )
    with tether:
        assert tether.wait(PATIENCE_S) == 7


def test_sigterm_reaches_the_command() -> None:
    command = (
        "import signal, time; signal.signal(signal.SIGTERM, lambda *_: exit(9));"
        " print(flush=True); time.sleep(600)"
    )
    tether = subprocess.Popen(
        [sys.executable, "-m", "bot.hosts.tether", sys.executable, "-c", command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with tether:
        assert tether.stdout is not None
        tether.stdout.readline()
        tether.send_signal(signal.SIGTERM)
        assert tether.wait(PATIENCE_S) == 9

"""Starts bot processes: everything is imported once, and each bot is a fork.

`python -m tests.chaos.fork_server [FOLDER]` reads a `BotSpec` a line, starts that bot, answers
`{"pid": ...}`, and later `{"pid": ..., "status": ...}` (negative: the signal). With FOLDER a small
disk of its own is mounted there first, which only these processes see. It ends, and its bots with
it, when its input ends.
"""

import ctypes
import gc
import json
import os
import select
import signal
import sys
import traceback
from importlib import import_module
from pathlib import Path

from bot import app, compose
from pipeline.tags.index import TagIndex
from tests.chaos.botmain import run_bot
from tests.chaos.spec import NO_DISK, BotSpec

DISK_BYTES = 4 * 1024 * 1024

_CLONE_NEWNS, _CLONE_NEWUSER, _PR_SET_PDEATHSIG = 0x00020000, 0x10000000, 1
_libc = ctypes.CDLL(None, use_errno=True)


def mount_disk(folder: Path) -> None:
    """A small tmpfs at `folder`, in a mount namespace of this process. OSError if not allowed."""
    user, group = os.getuid(), os.getgid()
    if _libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "unshare")
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        Path("/proc/self", name).write_text(text, encoding="ascii")
    options = f"size={DISK_BYTES},mode=0700".encode()
    if _libc.mount(b"tmpfs", str(folder).encode(), b"tmpfs", 0, options):
        raise OSError(ctypes.get_errno(), "mount")


def preload() -> None:
    """Read the shipped tags and import the cogs once for all bots."""
    shipped = compose.load_vocabulary(None)

    def given(folder: Path) -> TagIndex:
        return shipped

    compose.load_vocabulary = given
    for name in (*app.COGS, "pipeline.tagger.tagger"):
        import_module(name)
    gc.freeze()


def give_birth(spec: BotSpec) -> int:
    """Fork a bot; its process id."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        log = os.open(spec.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        null = os.open(os.devnull, os.O_RDWR)
        for source, target in ((null, 0), (null, 1), (log, 2)):
            os.dup2(source, target)
        status = run_bot(spec)
    except BaseException:  # noqa: BLE001 - the log of the child must say why
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def main() -> None:
    if len(sys.argv) > 1:
        try:
            mount_disk(Path(sys.argv[1]))
        except OSError as error:
            sys.stderr.write(f"{error}\n")
            sys.exit(NO_DISK)
    preload()
    woken, wake = os.pipe()
    for end in (woken, wake):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    tell({"ready": os.getpid()})
    source = sys.stdin.fileno()
    buffer = b""
    while True:
        readable, _, _ = select.select([source, woken], [], [])
        if woken in readable:
            os.read(woken, 1024)
            reap()
        if source in readable:
            chunk = os.read(source, 65536)
            if not chunk:
                return
            *lines, buffer = (buffer + chunk).split(b"\n")
            for line in lines:
                tell({"pid": give_birth(BotSpec.from_json(line.decode()))})


def reap() -> None:
    """Tell of every bot that ended."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        tell({"pid": pid, "status": os.waitstatus_to_exitcode(status)})


def tell(what: dict[str, int]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

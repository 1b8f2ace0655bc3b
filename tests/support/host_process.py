"""`python -m bot host` as processes of this machine, each a machine that can be lost."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil

from tests.support.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "a-token-for-tests-0123456789abcdef"


class HostProcess:
    """`python -m bot host`, as somebody starts it on another machine."""

    def __init__(self, folder: Path, address: str, name: str, **environment: str) -> None:
        self.name = name
        self._folder = folder
        self._output = folder / f"{name}.out"
        settings = {
            "HOSTS_TOKEN": TOKEN, "MODEL": "demo", "THREADS": "1",
            "DATA_DIR": str(folder / name), "PYTHONPATH": str(ROOT), **environment,
        }  # fmt: skip
        self._from = self._output.stat().st_size if self._output.exists() else 0
        with self._output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bot", "host", "--join", address, "--name", name],
                cwd=folder,
                env={**os.environ, **settings},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        """What it printed; an earlier process of its name may have printed before it."""
        return self._output.read_bytes()[self._from :].decode()

    def everything(self) -> list[psutil.Process]:
        """It and all that it started, in whatever session."""
        try:
            top = psutil.Process(self.process.pid)
            return [top, *top.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def actors(self) -> list[psutil.Process]:
        """The processes that draw."""
        return [each for each in self.everything() if "Actor" in " ".join(_line(each))]

    def signal(self, number: int) -> None:
        """To the whole machine, as it were."""
        for each in self.everything():
            with suppress(psutil.NoSuchProcess):
                each.send_signal(number)

    def leave(self) -> int:
        """As systemd ends it."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)


def _line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

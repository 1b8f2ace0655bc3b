"""A node of a Ray cluster: the process that `ray start` runs, its environment and its ports."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import psutil
from filelock import FileLock, Timeout

from bot.hosts.addresses import is_own, split_address
from pipeline.errors import ModelError

PREFIX: Final = "ekaki:"
"""A device is a resource of its node, `ekaki:NAME:INDEX`, so that one actor at a time has it."""

FIRST_PORT: Final = 6380
"""Of the ports that every node listens on, see `Ports`."""

_PORTS_A_NODE: Final = 40
_OBJECT_STORE_BYTES: Final = 80_000_000  # near Ray's minimum: pictures are a few megabytes
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
_LOST_HEAD_S: Final = 20  # Ray waits 60 s, then its processes end
_TERM_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Ports:
    """What one node listens on: `first` and the next 39. `lock`: keeps them from other nodes of
    this machine, until it is released or this process ends."""

    first: int = FIRST_PORT
    lock: FileLock | None = None

    def options(self) -> list[str]:
        """For `ray start`."""
        named = ("node-manager-port", "object-manager-port", "runtime-env-agent-port",
                 "dashboard-agent-grpc-port", "dashboard-agent-listen-port",
                 "metrics-export-port")  # fmt: skip
        found = [f"--{name}={self.first + place}" for place, name in enumerate(named)]
        low, high = self.first + 10, self.first + _PORTS_A_NODE - 1
        return [*found, f"--min-worker-port={low}", f"--max-worker-port={high}"]

    def environment(self) -> dict[str, str]:
        """What Ray has no option for: the port of the head's monitor."""
        return {"AUTOSCALER_METRIC_PORT": str(self.first + 6)}

    @classmethod
    def free(cls, first: int = FIRST_PORT, *, beside: int = 0) -> "Ports":
        """The first ports from `first` on that no other node of this machine uses or is about to
        use: it listens only seconds later. None of them is `beside`, the head's. ModelError."""
        for start in range(first, first + 20 * _PORTS_A_NODE, _PORTS_A_NODE):
            if start <= beside < start + _PORTS_A_NODE:
                continue
            lock = _locked(start)
            if lock is None:
                continue
            if all(_is_free(start + each) for each in range(7)):
                return cls(start, lock)
            lock.release()
        raise ModelError("hosts_port_in_use", port=first)


def _locked(first: int) -> FileLock | None:
    lock = FileLock(Path(tempfile.gettempdir()) / f"ekaki-ports-{first}.lock", timeout=0)
    try:
        lock.acquire()
    except (Timeout, OSError):  # another node's, or another user's
        return None
    return lock


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        if os.name == "posix":  # connections of a node that was killed keep a port for a minute
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def ray_module(part: str = "ray") -> Any:
    """Ray, or a module of it: an extra that type checkers need not find."""
    return import_module(part)


def require_ray() -> None:
    """ModelError if Ray is not installed. Does not import it."""
    if find_spec("ray") is None:
        raise ModelError("hosts_ray_missing")


def host_name(wanted: str = "") -> str:
    """A valid name for this host: `wanted`, or made of the machine's name. ModelError."""
    if wanted and not _NAME.fullmatch(wanted):
        raise ModelError("hosts_name_invalid", name=wanted)
    made = re.sub(r"[^a-z0-9]+", "-", socket.gethostname().lower()).strip("-")[:32].strip("-")
    return wanted or made or "host"


def environment(token: str, *, lost_head_s: int = _LOST_HEAD_S) -> dict[str, str]:
    """Ray's settings for a process that takes part in our cluster, which ends when the head is away
    for `lost_head_s`."""
    return {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": token,
        "RAY_USAGE_STATS_ENABLED": "0",
        # A call after the connection was lost must fail, not start a cluster of its own.
        "RAY_ENABLE_AUTO_CONNECT": "0",
        # A host that does not respond is noticed in 9 s instead of 64.
        "RAY_health_check_period_ms": "1000",
        "RAY_health_check_timeout_ms": "2000",
        "RAY_health_check_failure_threshold": "3",
        "RAY_gcs_rpc_server_reconnect_timeout_s": str(lost_head_s),
        "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0",  # `bot.hosts.host` waits by itself
        # Ray hides all cards from actors that ask for none; our options name the card.
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        # Ray would kill what draws at 95 % of the memory; pages of a mapped model count as well.
        "RAY_memory_monitor_refresh_ms": "0",
    }


class Node:
    """Runs `ray start --block` as a child process. `log`: where its output goes."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path, ports: Ports) -> None:
        self.process = process
        self.log = log
        self._ports = ports

    @classmethod
    def head(
        cls, *, address: str, token: str, log: Path, stop: threading.Event | None = None
    ) -> "Node":
        """Start the head at `address` and wait until it accepts connections, or until `stop`.
        ModelError."""
        host, port = split_address(address)
        noted = log.with_suffix(".pid")
        _end_left(noted)
        if not is_own(host):
            raise ModelError("hosts_address_foreign", address=address)
        if not _is_free(port):
            raise ModelError("hosts_port_in_use", port=port)
        _forget_address(port)
        options = ["--head", f"--port={port}", f"--node-ip-address={host}", "--num-cpus=0"]
        options.append("--include-dashboard=false")
        node = cls._start(options, token, log, {}, head_port=port)
        noted.write_text(str(node.process.pid))
        node._wait_for("Ray runtime started", stop)
        return node

    @classmethod
    def host(
        cls, *, address: str, token: str, name: str, devices: int, log: Path,
        extra: Mapping[str, str], stop: threading.Event | None = None,
    ) -> "Node":  # fmt: skip
        """Start a node with `devices` devices that joins the head at `address`, and wait until it
        has joined, or until `stop`. `extra`: environment of its actors. ModelError."""
        resources = ",".join(f'"{PREFIX}{name}:{index}": 1' for index in range(devices))
        options = [f"--address={address}", "--num-cpus=0", f"--resources={{{resources}}}"]
        node = cls._start(options, token, log, extra, head_port=split_address(address)[1])
        node._wait_for("Ray runtime started", stop)
        return node

    @classmethod
    def _start(
        cls, options: list[str], token: str, log: Path, extra: Mapping[str, str], *, head_port: int
    ) -> "Node":
        ports = Ports.free(beside=head_port)
        command = [
            sys.executable, "-m", "bot.hosts.tether",
            sys.executable, "-c", "from ray.scripts.scripts import main; main()", "start",
            "--block", "--disable-usage-stats", "--include-log-monitor=false",
            f"--object-store-memory={_OBJECT_STORE_BYTES}", "--num-gpus=0", "--log-color=false",
            *ports.options(), *options,
        ]  # fmt: skip
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own arguments
                command,
                stdin=subprocess.PIPE,  # see `bot.hosts.tether`
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment(token), **ports.environment(), **extra},
                start_new_session=True,  # Ctrl-C is ours: the node ends after its picture
            )
        return cls(process, log, ports)

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def stop(self) -> None:
        """End it and everything it started. Takes seconds."""
        if self.runs:
            self.process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(_TERM_S)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)  # what it left behind
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()
        if self._ports.lock is not None:
            self._ports.lock.release()

    def _wait_for(
        self, mark: str, stop: threading.Event | None = None, within_s: float = 90.0
    ) -> None:
        """Until its output has `mark`; ModelError says why it does not come."""
        ends_at = time.monotonic() + within_s
        while time.monotonic() < ends_at and not (stop and stop.is_set()):
            said = self.said()
            if mark in said:
                return
            if not self.runs:
                break
            time.sleep(0.1)
        self.stop()
        raise why_failed(self.said())

    def said(self) -> str:
        """Its output so far."""
        return self.log.read_text(errors="replace")


def _forget_address(port: int) -> None:
    """Ray refuses to start a head at the address of the last one while a process of this machine
    names it, which hosts of a head that was killed do."""
    noted = Path(os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()) / "ray/ray_current_cluster"
    with suppress(OSError):
        if noted.read_text().strip().endswith(f":{port}"):
            noted.unlink()


def _end_left(noted: Path) -> None:
    """End the head of a bot that was killed; its process id is in `noted`."""
    try:
        left = psutil.Process(int(noted.read_text()))
        if "ray.scripts" not in " ".join(left.cmdline()):
            return  # the number belongs to another process by now
        family = [left, *left.children(recursive=True)]
        left.terminate()
        psutil.wait_procs(family, timeout=_TERM_S)
        for each in family:
            if each.is_running():
                each.kill()
    except (OSError, ValueError, psutil.Error):
        return


def why_failed(said: str) -> ModelError:
    """What Ray's output means, in our words."""
    if "ersion mismatch" in said:
        found = re.search(r"The cluster was started with:\s*(.*?)This process", said, re.DOTALL)
        there = " ".join(found[1].split()) if found else ""
        here = f"Python {sys.version.split()[0]}"
        return ModelError("hosts_other_version", there=there, here=here)
    if re.search(r"[Uu]nauthenticated|InvalidAuthToken|AuthenticationError|auth.{0,20}token", said):
        return ModelError("hosts_wrong_token")
    if re.search(r"Deadline Exceeded|timed out during startup", said):
        return ModelError("hosts_slow")
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    last = next((line for line in reversed(lines) if "rror" in line), lines[-1] if lines else "")
    return ModelError("hosts_ray_failed", problem=last[-300:])

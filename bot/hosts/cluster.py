"""The bot's own part of the Ray cluster: it starts the head, or joins one, and sees who is there.

All methods block: call them in one thread, never on the event loop.
"""

import contextlib
import logging
import os
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bot.common.secret import Secret
from bot.config.settings import Settings
from bot.hosts.addresses import refuse_public, split_address
from bot.hosts.node import PREFIX, Node, environment, ray_module, require_ray
from bot.hosts.remote_engine import Device
from data.store.private import make_file
from pipeline.disk import at
from pipeline.errors import ModelError

_log = logging.getLogger(__name__)

TOKEN_FILE: Final = "hosts_token"  # noqa: S105 - a name
NAMESPACE: Final = "ekaki"
_LOST_CLUSTER_S: Final = 10**7
"""Ray ends the process, which is the bot, when the head is away for longer. We connect again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOptions:
    """`address`: of the head, which is started there unless `external`."""

    address: str
    token: Secret
    folder: Path
    external: bool = False
    public: bool = False

    @classmethod
    def of(cls, settings: Settings) -> "ClusterOptions":
        """What the operator set."""
        return cls(
            address=settings.hosts_address,
            token=settings.hosts_token,
            folder=settings.data_dir,
            external=settings.hosts_external,
            public=settings.hosts_public,
        )


class Cluster:
    """One connection to one cluster at a time; `connect` again after it was lost."""

    def __init__(self, options: ClusterOptions) -> None:
        self._options = options
        self.head: Node | None = None
        self.stopping = threading.Event()
        """Set: the start of a head is given up."""
        self._connected = False

    @property
    def connected(self) -> bool:
        """Whether there is a connection, as far as is known."""
        return self._connected

    def check(self) -> None:
        """ModelError if it can't be used as it is set: Ray is missing, an address is public."""
        require_ray()
        if not self._options.public:
            refuse_public(self._options.address)

    def connect(self) -> None:
        """Start the head if it does not run, and connect. ModelError says what is wrong."""
        self.check()
        options = self._options
        token = self.token()
        host, port = split_address(options.address)
        # Ray reads these when it is imported.
        os.environ.update(environment(token.reveal(), lost_head_s=_LOST_CLUSTER_S))
        if not options.public:
            refuse_public(self.address())
        self.disconnect()
        if not options.external and (self.head is None or not self.head.runs):
            if self.head is not None:
                self.head.stop()
            log = options.folder / "hosts" / "head.log"
            self.head = Node.head(
                address=options.address, token=token.reveal(), log=log, stop=self.stopping
            )
            _log.info("Other machines can join at %s (docs/hosts.md)", self.address())
        ray = ray_module()
        _quieten(ray_module("ray._private.worker"))
        try:
            ray.init(
                address=f"{self._ip(host)}:{port}",
                namespace=NAMESPACE,
                log_to_driver=False,
                configure_logging=False,
                ignore_reinit_error=False,
            )
        except Exception as error:
            self.disconnect()
            raise ModelError(
                "hosts_unreachable", address=options.address, problem=_line(error)
            ) from error
        self._connected = True

    def devices(self) -> list[Device]:
        """Those of all nodes that are alive. Raises what Ray raises if the head is away."""
        ray = ray_module()
        found: list[Device] = []
        for node in ray.nodes():
            if node["Alive"]:
                for name in node["Resources"]:
                    if name.startswith(PREFIX):
                        host, _, index = name.removeprefix(PREFIX).rpartition(":")
                        found.append(Device(host, int(index), node["NodeID"]))
        return sorted(found, key=lambda device: device.name)

    def disconnect(self) -> None:
        """Leave the cluster. What is drawn elsewhere ends."""
        self._connected = False
        if not _ray_is_imported():
            return
        ray = ray_module()
        with contextlib.suppress(Exception):
            ray.shutdown()

    def stop(self) -> None:
        """Leave, and end the head that was started here."""
        self.disconnect()
        head, self.head = self.head, None
        if head is not None:
            head.stop()

    @property
    def head_runs(self) -> bool:
        """Whether the head is up, as far as this process knows."""
        return self._options.external or (self.head is not None and self.head.runs)

    def address(self) -> str:
        """Where others join."""
        host, port = split_address(self._options.address)
        return f"{self._ip(host)}:{port}"

    def token(self) -> Secret:
        """HOSTS_TOKEN, or the one that is kept in DATA_DIR, made at the first use."""
        if self._options.token:
            return self._options.token
        path = self._options.folder / TOKEN_FILE
        with at(path):
            made = path.read_text().strip() if path.exists() else ""
            if not made:
                made = secrets.token_hex(32)
                make_file(path)
                path.write_text(made + "\n")
        return Secret(made)

    @staticmethod
    def _ip(host: str) -> str:
        """Ray names a node by an address that others can reach, also where we said 127.0.0.1."""
        services = ray_module("ray.util")
        return str(services.get_node_ip_address()) if host in {"127.0.0.1", "localhost"} else host


def _quieten(worker: Any) -> None:
    """Ray prints to standard output that machines are lost, with their whole state, and logs that
    its own handler of SIGTERM is missing. We say what matters ourselves."""
    logging.getLogger("ray").setLevel(logging.ERROR)
    worker.print_to_stdstream = _note_message


def _note_message(data: dict[str, Any], *_: object, **__: object) -> None:
    first = " ".join(str(line) for line in data.get("lines", [])).partition("\n")[0]
    _log.debug("Ray: %s", first[:300])


def _ray_is_imported() -> bool:
    import sys

    return "ray" in sys.modules


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]

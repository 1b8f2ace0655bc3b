"""A machine that draws for a bot elsewhere: keeps a node of the bot's cluster running, and shows
what it draws. The actors themselves are started by the bot (`bot.hosts.device_actor`)."""

import signal
import tempfile
import threading
import time
from pathlib import Path
from typing import Final

from bot.common.terminal import note, say
from bot.common.wording import words
from bot.config.engine_options import device_options
from bot.config.settings import Settings
from bot.hosts.addresses import listens, own_address, refuse_public
from bot.hosts.device_actor import FAILED, LEAVING, OPTIONS, REPORT, options_to_json
from bot.hosts.node import Node, host_name, require_ray
from bot.hosts.own_time import OwnTime
from pipeline.errors import ModelError
from pipeline.model.options import EngineOptions
from pipeline.model.source import open_source

_LOOK_EVERY_S: Final = 0.2
_PAUSE_S: Final = 3.0
"""Between two tries to join."""
_TRIES: Final = 3
"""To join for the first time, where something answers: then the operator has to do something."""
_FINISH_S: Final = 60.0
"""For the running picture when the machine leaves; systemd kills after 90 s."""
_NOTICED_S: Final = 5.0
"""The bot looks every two seconds who leaves; until then it may send another picture."""
_REFUSED: Final = "REFUSED "


def serve(settings: Settings, *, address: str, name: str, public: bool) -> int:
    """Join, and join again whenever the connection is lost, until a signal. ModelError: it can't be
    used as it is. Returns the exit status."""
    require_ray()
    name = host_name(name)
    if not public:
        refuse_public(address)
        refuse_public(own_address(address))
    if not settings.hosts_token:
        raise ModelError("hosts_token_missing")
    options = device_options(settings)
    for one in options:
        open_source(one)  # says what is missing before anything is started
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    with tempfile.TemporaryDirectory(prefix="ekaki-host-") as folder:
        host = _Host(settings, Path(folder), options, address=address, name=name)
        return host.run(stop)


class _Host:
    def __init__(
        self,
        settings: Settings,
        folder: Path,
        options: list[EngineOptions],
        *,
        address: str,
        name: str,
        own_time: OwnTime | None = None,
    ) -> None:
        self._settings = settings
        self._report = folder / "report"
        self._log = folder / "node.log"
        self._options = options
        self._address = address
        self._name = name
        self._shown = 0
        self._drawing: set[str] = set()
        self._failed: dict[str, str] = {}
        self._refusal = ""
        self._own_time = own_time or OwnTime(settings)

    def run(self, stop: threading.Event) -> int:
        failed, joined = 0, False
        while self._wait_for_time(stop) and self._wait_for_bot(stop):
            try:
                node = self._join(stop)
            except ModelError as error:
                if stop.is_set():
                    break
                failed += 1
                gives_up = error.key == "hosts_ray_failed" and failed >= _TRIES and not joined
                if gives_up or error.key not in {"hosts_ray_failed", "hosts_slow"}:
                    raise
                note(f"Joining failed: {words(error)} Trying again.")
            else:
                failed, joined = 0, True
                say(f"{self._name} has joined {self._address} with {_counted(self._options)}.")
                try:
                    self._watch(node, stop)
                finally:
                    node.stop()
                if self._refusal:
                    raise ModelError("hosts_refused", host=self._name, problem=self._refusal)
                if not stop.is_set() and not self._taken():
                    note("The connection to the bot is lost; joining again.")
            stop.wait(_PAUSE_S)
        say(f"{self._name} has left.")
        return 0

    def _taken(self) -> str:
        return self._own_time.taken(drawing=bool(self._drawing))

    def _wait_for_time(self, stop: threading.Event) -> bool:
        """Until this machine has time for the bot. False: `stop` is set."""
        told = ""
        while not stop.is_set():
            taken = self._taken()
            if not taken:
                return True
            if taken != told:
                say(f"{self._name} rests: {taken}.")
                told = taken
            stop.wait(_PAUSE_S)
        return False

    def _wait_for_bot(self, stop: threading.Event) -> bool:
        """Until the bot listens: it may start later, or be away for a night. False: `stop` is
        set."""
        told = False
        while not stop.is_set():
            if listens(self._address):
                return True
            if not told:
                note(
                    f"Nothing answers at {self._address}; waiting for the bot"
                    " (its HOSTS must be ray or both). Ctrl-C ends this."
                )
                told = True
            stop.wait(_PAUSE_S)
        return False

    def _join(self, stop: threading.Event) -> Node:
        self._report.write_text("")
        Path(f"{self._report}{LEAVING}").unlink(missing_ok=True)
        self._shown, self._drawing, self._failed = 0, set(), {}
        return Node.host(
            address=self._address,
            token=self._settings.hosts_token.reveal(),
            name=self._name,
            devices=len(self._options),
            log=self._log,
            extra={OPTIONS: options_to_json(self._options), REPORT: str(self._report)},
            stop=stop,
        )

    def _watch(self, node: Node, stop: threading.Event) -> None:
        """Show what is reported until the node ends or this machine shall leave, or has no more
        time for the bot."""
        while node.runs and not (stop.is_set() or self._refusal or self._taken()):
            self._show()
            stop.wait(_LOOK_EVERY_S)
        if node.runs and not self._refusal and not self._own_time.is_short:
            self._finish(node)
        self._show()

    def _finish(self, node: Node) -> None:
        """Let the running picture end; what takes longer goes back to the bot's queue."""
        Path(f"{self._report}{LEAVING}").touch()
        note("Leaving; the running picture is finished first (at most a minute).")
        began = time.monotonic()
        while node.runs and time.monotonic() - began < _FINISH_S:
            self._show()
            if not self._drawing and time.monotonic() - began > _NOTICED_S:
                return
            time.sleep(_LOOK_EVERY_S)

    def _show(self) -> None:
        # The last line may be written at the moment.
        *lines, _ = self._report.read_text(encoding="utf-8").split("\n")
        for line in lines[self._shown :]:
            device, _, said = line.partition(" ")
            if said.startswith(FAILED):
                self._failed[device] = said.removeprefix(FAILED)
                said = f"The model can't be loaded: {self._failed[device]}"
                if len(self._failed) == len(self._options):
                    self._refusal = self._failed[device]
            if said.startswith(_REFUSED):
                self._refusal = said.removeprefix(_REFUSED)
                continue
            self._drawing.discard(device)
            if said.startswith("Drawing"):
                self._drawing.add(device)
            prefix = f"Device {device}: " if len(self._options) > 1 else ""
            say(f"{prefix}{said}")
        self._shown = len(lines)


def _counted(options: list[EngineOptions]) -> str:
    return "1 device" if len(options) == 1 else f"{len(options)} devices"

"""Devices on other machines, and what the operator sees of them."""

from dataclasses import dataclass, field
from typing import Any, Literal

from bot.hosts.remote_engine import Device, RemoteEngine
from bot.jobs.draw import device as local
from bot.jobs.draw.worker import EngineWorker

HostState = Literal[
    "loading", "ready", "resting", "drained", "avoided", "leaving", "lost", "refused", "away"
]
"""`resting`: drawing is paused. `avoided`: it was lost lately, and others draw. `away`: it has
left, or was not seen yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostView:
    """One device of a machine as the operator sees it. `picture_s`: seconds of a usual picture,
    None while unknown. `lost_at`: seconds since the epoch, when it was lost last."""

    name: str
    host: str
    state: HostState
    model: str = ""
    version: str = ""
    pictures: int = 0
    picture_s: float | None = None
    lost_at: float | None = None
    problem: str = ""


@dataclass(slots=True)
class Entry:
    """A device that has joined. `seat`: its place at the queue. `about`: what its machine said of
    itself. `is_lost`: its loss is noted."""

    device: Device
    worker: EngineWorker
    seat: local.Device
    engine: RemoteEngine | None = None
    about: dict[str, Any] = field(default_factory=dict[str, Any])
    problem: str = ""
    leaving: bool = False
    avoided: bool = False
    is_lost: bool = False

    def view(self, *, drained: bool, lost_at: float | None) -> HostView:
        """What is shown of it. `drained`: on the operator's order."""
        model = self.worker.model
        return HostView(
            name=self.device.name,
            host=self.device.host,
            state=self._state(drained=drained),
            model="" if model is None else f"{model.name} {model.precision} ({model.hash})",
            version=str(self.about.get("ekaki", "")),
            pictures=self.seat.pictures,
            picture_s=self.worker.pace.usual(),
            lost_at=lost_at,
            problem=self.problem,
        )

    def _state(self, *, drained: bool) -> HostState:
        if self.leaving:
            return "leaving"
        match self.worker.state:
            case "gone":
                return "refused"
            case "unloaded":
                return "ready"
            case "resting" if drained:
                return "drained"
            case "resting":
                return "avoided" if self.avoided else "resting"
            case state:
                return state

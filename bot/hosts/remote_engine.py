"""An engine on another machine, as the bot's engine threads use it."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from PIL.Image import Image

from bot.common.work_thread import BrokenWorkError
from bot.hosts import adapters
from bot.hosts.device_actor import DeviceActor
from bot.hosts.node import PREFIX, ray_module
from bot.hosts.wire import (
    Event,
    Failure,
    PictureDone,
    StepDone,
    decoded,
    description_of,
    encoded,
)
from pipeline.engine.protocol import DrawnPicture, FaceWatch, ModelDescription, Watch
from pipeline.errors import Cancelled, EkakiError, EngineError
from pipeline.lora.use import LoraUse
from pipeline.request import ResolvedRequest

_log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 0.1
"""Between looks whether the picture was cancelled: an event itself is seen at once."""
PING_EVERY_S: Final = 2.0
SILENT_S: Final = 8.0
"""A host that answers no ping for so long is lost: its machine is frozen or its network cut."""
HUNG_S: Final = 3600.0
"""An engine that shows no sign of life for so long is ended: the longest steps take minutes."""
HELLO_S: Final = 60.0
LOAD_S: Final = 1800.0


@dataclass(frozen=True, slots=True)
class Device:
    """One device of a node of the cluster."""

    host: str
    index: int
    node_id: str

    @property
    def name(self) -> str:
        """For logs and people."""
        return f"{self.host}/{self.index}"


def lost(device: Device, problem: object) -> EngineError:
    """The error of a picture whose host is gone: it is drawn again elsewhere."""
    return EngineError("host_lost", host=device.name, problem=shortened(problem))


def shortened(problem: object) -> str:
    """What Ray says, without the identifiers that follow, one a line."""
    return str(problem).strip().partition("\n")[0][:200]


class RemoteEngine:
    """See `pipeline.engine.protocol.Engine`. Used by one thread."""

    def __init__(self, device: Device, actor: Any, loras: Path | None = None) -> None:
        self._device = device
        self._actor = actor
        self._loras = loras
        self._model: ModelDescription | None = None
        self._pings = _Pings(actor)

    @classmethod
    def create(
        cls, device: Device, kind: type[DeviceActor] = DeviceActor, *, loras: Path | None = None
    ) -> "RemoteEngine":
        """Start the actor of `device`. `loras`: the folder with adapters here, which hosts get as
        they need them. EngineError `host_lost` if its host is not there."""
        ray = ray_module()
        scheduling = ray_module("ray.util.scheduling_strategies")
        made = ray.remote(concurrency_groups={"control": 2})(kind).options(
            num_cpus=0,
            resources={f"{PREFIX}{device.name.replace('/', ':')}": 1},
            scheduling_strategy=scheduling.NodeAffinitySchedulingStrategy(
                device.node_id, soft=False
            ),
            max_restarts=0,  # what is drawn again is the bot's decision
            max_task_retries=0,
        )
        return cls(device, made.remote(device.index), loras)

    def hello(self) -> dict[str, Any]:
        """Who is there. EngineError `host_lost`."""
        return self._answer("hello", within_s=HELLO_S)

    def refuse(self, reason: str) -> None:
        """Tell the host why it is not used, and leave it."""
        try:
            self._answer("report", f"REFUSED {reason}", within_s=HELLO_S)
        except EngineError as error:
            _log.info("%s could not be told: %s", self._device.name, error)
        self.close()

    def is_leaving(self) -> bool:
        """Whether its machine is about to end. EngineError `host_lost`."""
        return bool(self._answer("leaving", within_s=SILENT_S, pings=False))

    def load(self) -> ModelDescription:
        """Load the model there. ModelError or EngineError say why that can't be."""
        found = self._answer("load", within_s=LOAD_S)
        if isinstance(found, Failure):
            raise found.error()
        self._model = description_of(found)
        return self._model

    @property
    def model(self) -> ModelDescription:
        assert self._model is not None, "load() comes first"
        return self._model

    def draw(
        self,
        request: ResolvedRequest,
        index: int,
        watch: Watch,
        *,
        init_image: Image | None = None,
        mask_image: Image | None = None,
    ) -> DrawnPicture:
        """See `Engine.draw`. EngineError `host_lost`: the picture can be drawn elsewhere;
        `device_lost`: the process there ended over it."""
        ray = ray_module()
        init, mask = (
            encoded(image) if content_hash and image is not None else None
            for content_hash, image in (
                (request.init_picture, init_image),
                (request.mask, mask_image),
            )
        )
        stopping = False
        self._bring(request.loras, watch)
        try:
            draw = self._actor.draw.options(num_returns="streaming")
            events = draw.remote(request.to_json(), index, init, mask)
            self._pings.start()
            while True:
                ready, _ = ray.wait([events], timeout=LOOK_EVERY_S, fetch_local=False)
                if not stopping and watch.is_cancelled():
                    stopping = True
                    self._call("cancel")
                if not ready:
                    self._check_alive()
                    continue
                event: Event = ray.get(next(events), timeout=SILENT_S)
                self._pings.heard()
                if isinstance(event, StepDone):
                    if event.face and isinstance(watch, FaceWatch):
                        watch.on_face(event.face, event.faces)
                    watch.on_step(event.step, event.steps, _shown(event))
                else:
                    return _end(event)
        except (EkakiError, BrokenWorkError):
            raise
        except Exception as error:  # Ray's own, and what it raises once the connection is closed
            raise self._error_of(error) from error

    def _bring(self, loras: Sequence[LoraUse], watch: Watch) -> None:
        """Send the weights of `loras` that are not there yet. InputError `lora_gone`; EngineError
        `host_lost`, and StorageError of the host's disk."""
        names = {use.digest: use.name for use in loras if use.strength}
        if not names:
            return
        for digest in self._answer("lacks", list(names), within_s=HELLO_S):
            first = True
            for piece, last in adapters.pieces(self._loras, digest, names[digest]):
                if watch.is_cancelled():
                    raise Cancelled
                failure = self._answer(
                    "take_adapter", digest, piece, within_s=HELLO_S, first=first, last=last
                )
                if isinstance(failure, Failure):
                    raise failure.error()
                first = False

    def close(self) -> None:
        """End the actor, with what it draws. Idempotent."""
        ray = ray_module()
        try:
            ray.kill(self._actor)
        except Exception as error:  # noqa: BLE001 - it is gone, or the whole cluster
            _log.debug("%s could not be ended: %s", self._device.name, error)

    def _answer(
        self, name: str, *values: object, within_s: float, pings: bool = True, **named: object
    ) -> Any:
        ray = ray_module()
        reference = self._call(name, *values, **named)
        ends_at = time.monotonic() + within_s
        if pings:  # of the engine's own thread
            self._pings.start()
        try:
            while time.monotonic() < ends_at:
                ready, _ = ray.wait([reference], timeout=LOOK_EVERY_S)
                if ready:
                    return ray.get(reference, timeout=SILENT_S)
                # `hello` waits for the process to start; only then it can be pinged.
                if pings and name != "hello":
                    self._check_alive()
        except EkakiError:
            raise
        except Exception as error:  # see `draw`
            raise self._error_of(error) from error
        raise lost(self._device, f"no answer to {name} in {within_s:.0f} s")

    def _call(self, name: str, *values: object, **named: object) -> Any:
        method = getattr(self._actor, name)
        if name in {"load", "draw"}:
            return method.remote(*values, **named)
        return method.options(concurrency_group="control").remote(*values, **named)

    def _check_alive(self) -> None:
        """EngineError where the host does not respond, or its engine hangs."""
        problem = self._pings.problem()
        if problem is not None:
            self.close()
            raise lost(self._device, problem)

    def _error_of(self, error: Exception) -> EngineError:
        """A process that ended over a picture may do so again: such a picture is tried twice."""
        ray = ray_module()
        alive = any(node["NodeID"] == self._device.node_id and node["Alive"] for node in _nodes())
        died = isinstance(error, ray.exceptions.RayActorError)
        if died and alive:
            problem = shortened(error)
            return EngineError("device_lost", host=self._device.name, problem=problem)
        return lost(self._device, error)


class _Pings:
    """Asks an actor for its engine's signs of life, one question at a time."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor
        self._asked: Any = None
        self.start()

    def start(self) -> None:
        """Now it answers."""
        self._heard_at = self._sign_at = self._asked_at = time.monotonic()
        self._signs = -1
        self._asked = None

    def heard(self) -> None:
        """Something came from it."""
        self._heard_at = self._sign_at = time.monotonic()

    def problem(self) -> str | None:
        """What is wrong; asks again if it is time."""
        ray = ray_module()
        now = time.monotonic()
        if self._asked is not None and ray.wait([self._asked], timeout=0)[0]:
            signs = ray.get(self._asked, timeout=SILENT_S)
            self._asked, self._heard_at = None, now
            if signs != self._signs:
                self._signs, self._sign_at = signs, now
        if self._asked is None and now - self._asked_at >= PING_EVERY_S:
            self._asked_at = now
            self._asked = self._actor.signs.options(concurrency_group="control").remote()
        if now - self._heard_at > SILENT_S:
            return f"silent for {now - self._heard_at:.0f} s"
        if now - self._sign_at > HUNG_S:
            return f"its engine shows no sign of life for {now - self._sign_at:.0f} s"
        return None


def _nodes() -> list[dict[str, Any]]:
    ray = ray_module()
    try:
        return ray.nodes()
    except Exception:  # noqa: BLE001 - without the head nobody knows
        return []


def _shown(event: StepDone) -> Any:
    data = event.preview
    return lambda: None if data is None else decoded(data)


def _end(event: PictureDone | Failure) -> DrawnPicture:
    if isinstance(event, PictureDone):
        return event.picture()
    if event.kind == "cancelled":
        raise Cancelled
    if event.kind == "known":
        raise event.error()
    raise BrokenWorkError(event.problem)  # the worker opens the engine again

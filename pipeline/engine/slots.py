"""A device that draws several pictures at once: one engine behind several slots, each of which is
an `Engine` with a thread of its own."""

import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field

from PIL import Image

from pipeline.engine.joint import JointSteps
from pipeline.engine.own import OwnEngine
from pipeline.engine.protocol import DrawnPicture, Engine, ModelDescription, Watch
from pipeline.engine.rows import Row
from pipeline.errors import Cancelled, EngineError
from pipeline.request import ResolvedRequest


@dataclass(slots=True)
class _Core:
    """The engine while it is loaded. `users`: the numbers of the slots that are open. `lost`: its
    device is, or its state is unknown."""

    engine: OwnEngine
    joint: JointSteps[Row]
    beginning: threading.Lock = field(default_factory=threading.Lock)
    users: list[int] = field(default_factory=list[int])
    lost: bool = False


class SharedEngine:
    """Calls `load` for the first slot that is opened; the last one that is closed frees the model.

    A device that was lost is loaded again when the next slot is opened; pictures that others draw
    with it fail as lost.
    """

    def __init__(self, load: Callable[[], Engine]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._core: _Core | None = None

    def open(self, number: int) -> "Slot":
        """Slot `number`, from 0. While one thread loads, the others wait. ModelError as `load`."""
        with self._lock:
            if self._core is not None and self._core.lost:
                core, self._core = self._core, None
                core.engine.close()
            if self._core is None:
                engine = self._load()
                assert isinstance(engine, OwnEngine), "no other engine has rows"
                joint = JointSteps(engine.step, most=lambda: engine.pictures_at_once)
                self._core = _Core(engine, joint)
            self._core.users.append(number)
            return Slot(self, self._core, number)

    def leave(self, core: _Core, number: int) -> None:
        """Slot `number` of `core` is closed."""
        with self._lock:
            core.users.remove(number)
            if not core.users:
                core.engine.close()
                if self._core is core:
                    self._core = None


class Slot:
    """Draws one picture at a time, in joint steps with those of the other slots."""

    def __init__(self, shared: SharedEngine, core: _Core, number: int) -> None:
        self._shared = shared
        self._core = core
        self._number = number
        self._is_open = True
        self.model: ModelDescription = core.engine.model

    @property
    def slots(self) -> int:
        """How many slots the device has room for; fewer after memory ran out."""
        return self._core.engine.pictures_at_once

    @property
    def is_lost(self) -> bool:
        """See `OneOfSeveral.is_lost`."""
        return self._core.lost

    @property
    def has_room(self) -> bool:
        """Whether this one is among them: the first that are open."""
        return sum(number < self._number for number in self._core.users) < self.slots

    def draw(
        self,
        request: ResolvedRequest,
        index: int,
        watch: Watch,
        *,
        init_image: Image.Image | None = None,
        mask_image: Image.Image | None = None,
    ) -> DrawnPicture:
        """See `Engine.draw`."""
        core = self._core
        if not self._is_open:
            raise EngineError("engine_closed")
        try:
            return core.engine.draw(
                request,
                index,
                watch,
                init_image=init_image,
                mask_image=mask_image,
                turns=_SlotTurns(core),
            )
        except Cancelled:
            raise
        except Exception as error:
            if isinstance(error, EngineError) and error.key == "device_lost":
                core.lost = True
            elif core.lost:
                raise EngineError("device_lost", problem=str(error)) from error
            raise
        except BaseException:
            core.lost = True
            raise

    def close(self) -> None:
        """See `Engine.close`."""
        if self._is_open:
            self._is_open = False
            self._shared.leave(self._core, self._number)


class _SlotTurns:
    """Steps are taken jointly, and nothing else uses the device's memory meanwhile: the plan counts
    either the UNet's activations or the decoder's."""

    def __init__(self, core: _Core) -> None:
        self._core = core

    @contextmanager
    def beginning(self, request: ResolvedRequest) -> Generator[None]:
        """Prompts are encoded beside others' steps, since that needs little memory."""
        with ExitStack() as stack:
            stack.enter_context(self._core.beginning)
            if request.init_picture:
                stack.enter_context(self._core.joint.alone())
            yield

    def member(self, row: Row) -> AbstractContextManager[None]:
        return self._core.joint.member(row)

    def step(self, row: Row) -> int:
        return self._core.joint.step(row)

    def alone(self) -> AbstractContextManager[None]:
        return self._core.joint.alone()

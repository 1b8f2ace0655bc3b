"""An engine that only takes time, in the bot or on another machine."""

import dataclasses
import os
import signal
from typing import Any, Final

from PIL.Image import Image

from bot.hosts.device_actor import DeviceActor
from pipeline.canvas import Box
from pipeline.engine.protocol import DrawnPicture, Engine
from pipeline.faces.found import Face
from pipeline.faces.second_pass import SecondPass
from pipeline.request import ResolvedRequest
from tests.support.tagger import PaintEngine

HOST_STEP_S: Final = 0.15


class UnsteadyEngine(PaintEngine):
    """Gives other bytes each time, as a real device may: a repeated picture is another file. What
    names no colour is green, which the tagger has nothing against."""

    usual = "green"

    def __init__(self, *, step_s: float, deadly: str) -> None:
        super().__init__(step_s=step_s)
        self._deadly = deadly

    def draw(self, request: ResolvedRequest, *args: Any, **kwargs: Any) -> DrawnPicture:
        if self._deadly and self._deadly in request.prompt:
            os.kill(os.getpid(), signal.SIGKILL)
        drawn = super().draw(request, *args, **kwargs)
        image = drawn.image.copy()
        red, green, blue = os.urandom(3)
        image.putpixel((0, 0), (red, green, blue))
        return dataclasses.replace(drawn, image=image)


class UnsteadySlot(UnsteadyEngine):
    """One of several that share a device."""

    has_room = True
    is_lost = False

    def __init__(self, *, step_s: float, deadly: str, slots: int) -> None:
        super().__init__(step_s=step_s, deadly=deadly)
        self.slots = slots


class SomeFaces:
    """Finds none, one or two small faces in a picture, as its first pixel has it."""

    def find(self, image: Image) -> list[Face]:
        side = max(1, min(image.size) // 6)
        left = [side, 3 * side][: image.tobytes()[0] % 3]
        return [
            Face(box=Box(left=at, top=side, right=at + side, bottom=2 * side), score=1.0)
            for at in left
        ]


def unsteady(*, step_s: float, deadly: str, slots: int = 1) -> Engine:
    """The engine as `load_engine` makes one, with its second pass; one of `slots`, if there are
    several."""
    if slots == 1:
        return SecondPass(UnsteadyEngine(step_s=step_s, deadly=deadly), SomeFaces())
    return SecondPass(UnsteadySlot(step_s=step_s, deadly=deadly, slots=slots), SomeFaces())


class UnsteadyActor(DeviceActor):
    """Draws slowly enough to be killed meanwhile."""

    def open_engine(self) -> Engine:
        return unsteady(step_s=HOST_STEP_S, deadly="")

"""An engine that only takes time, in the bot or on another machine."""

import dataclasses
import os
import signal
from typing import Any, Final

from bot.hosts.device_actor import DeviceActor
from pipeline.engine.protocol import DrawnPicture, Engine
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


class UnsteadyActor(DeviceActor):
    """Draws slowly enough to be killed meanwhile."""

    def open_engine(self) -> Engine:
        return UnsteadyEngine(step_s=HOST_STEP_S, deadly="")

"""What the simulated machines of `benchmarks.bench_hosts` draw with: fixed steps."""

import os
import time
from pathlib import Path
from typing import Final

from PIL import Image

from bot.hosts.device_actor import DeviceActor
from pipeline.engine.protocol import DrawnPicture, Engine, Watch
from pipeline.request import ResolvedRequest
from tests.support.fake_engine import FakeEngine

STEP_S: Final = "EKAKI_BENCH_STEP_S"
SCALE: Final = "EKAKI_BENCH_SCALE"
TIMES: Final = "EKAKI_BENCH_TIMES"
"""A file that gets the time of each step, on the clock that all processes of a machine share."""


class NoisyEngine(FakeEngine):
    """Sleeps through its steps, as a card leaves the processor alone. A picture is noise: the
    largest PNG of its size."""

    def __init__(self, *, step_s: float, scale: int, times: str = "") -> None:
        super().__init__(scale=scale, step_s=step_s)
        self._scale_of = scale
        self._times = times

    def picture(
        self,
        request: ResolvedRequest,
        index: int,  # noqa: ARG002
        init_image: Image.Image | None,  # noqa: ARG002
    ) -> Image.Image:
        size = request.width // self._scale_of, request.height // self._scale_of
        return Image.effect_noise(size, 64).convert("RGB")

    def draw(
        self,
        request: ResolvedRequest,
        index: int,
        watch: Watch,
        *,
        init_image: Image.Image | None = None,
        mask_image: Image.Image | None = None,
    ) -> DrawnPicture:
        timed = _Timed(watch, self._times) if self._times else watch
        return super().draw(request, index, timed, init_image=init_image, mask_image=mask_image)


class _Timed:
    def __init__(self, watch: Watch, path: str) -> None:
        self._watch = watch
        self._path = path
        self.is_cancelled = watch.is_cancelled

    def on_step(self, step: int, steps: int, preview: object) -> None:
        with Path(self._path).open("a", encoding="ascii") as file:
            file.write(f"{time.monotonic()}\n")
        self._watch.on_step(step, steps, preview)  # type: ignore[arg-type]


class NoisyActor(DeviceActor):
    """Draws with a `NoisyEngine`, by its environment."""

    def open_engine(self) -> Engine:
        return NoisyEngine(
            step_s=float(os.environ[STEP_S]),
            scale=int(os.environ[SCALE]),
            times=os.environ.get(TIMES, ""),
        )

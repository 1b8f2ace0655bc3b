"""What runs on another machine: an actor that owns the engine of one device.

Everything that decides anything (queue, limits, retries, files) is in the bot; this draws what it
is given. Ray never starts it again and never repeats a call: the bot does.
"""

import json
import os
import platform
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from PIL import Image

from bot.common.wording import words
from bot.common.work_thread import give_way_to_the_loop
from bot.hosts.adapters import Receiver, missing
from bot.hosts.node import ray_module
from bot.hosts.wire import (
    Event,
    Failure,
    PictureDone,
    StepDone,
    decoded,
    described,
    encoded,
    preview_of,
)
from pipeline.engine.protocol import Engine
from pipeline.errors import EkakiError
from pipeline.load import load_engine
from pipeline.model.options import EngineOptions
from pipeline.request import ResolvedRequest

OPTIONS: Final = "EKAKI_HOST_OPTIONS"
"""Environment variable: the options of each device's engine, as a JSON list."""
REPORT: Final = "EKAKI_HOST_REPORT"
"""Environment variable: the file with what `python -m bot host` shows."""

LEAVING: Final = ".leaving"
"""Behind the name of the report's file: a file that says that the host ends."""

FAILED: Final = "FAILED "
"""Begins a report that the model can't be loaded, and why."""

_PREVIEW_EVERY_S: Final = 1.0


def options_to_json(options: list[EngineOptions]) -> str:
    """For `OPTIONS`."""
    return json.dumps([
        {name: str(value) if isinstance(value, Path) else value
         for name, value in ((each, getattr(one, each)) for each in one.__slots__)}
        for one in options
    ])  # fmt: skip


def options_from_json(text: str, index: int) -> EngineOptions:
    """Of device `index`."""
    values: dict[str, Any] = json.loads(text)[index]
    for folder in ("models_dir", "loras", "faces"):
        values[folder] = None if values[folder] is None else Path(values[folder])
    return EngineOptions(**values)


class Watching:
    """Carries what an engine says to whoever reads `events`. Called in the engine's thread."""

    def __init__(self) -> None:
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.cancelled = threading.Event()
        self.signs = 0
        self._face = (0, 0)
        self._previewed_at = 0.0

    def is_cancelled(self) -> bool:
        self.signs += 1
        return self.cancelled.is_set()

    def on_step(self, step: int, steps: int, preview: Callable[[], Image.Image | None]) -> None:
        self.signs += 1
        shown, now = None, time.monotonic()
        if step < steps and now - self._previewed_at >= _PREVIEW_EVERY_S:
            self._previewed_at = now
            image = preview()
            shown = None if image is None else preview_of(image)
        self.events.put(StepDone(step, steps, shown, *self._face))

    def on_face(self, face: int, faces: int) -> None:
        self._face = (face, faces)


class DeviceActor:
    """Device `index` of this machine. `draw` and `load` come one after another; the others may come
    meanwhile."""

    def __init__(self, index: int) -> None:
        self._index = index
        self._engine: Engine | None = None
        self._thread = ThreadPoolExecutor(
            1, thread_name_prefix="engine", initializer=give_way_to_the_loop
        )
        self._watching = Watching()
        self._options = options_from_json(os.environ[OPTIONS], index)

    def hello(self) -> dict[str, Any]:
        """Who this is: compared with the bot before anything is loaded."""
        ray = ray_module()
        return {
            "python": platform.python_version(),
            "ray": ray.__version__,
            "ekaki": version("ekaki"),
            "clock": time.time(),
            "pid": os.getpid(),
        }

    def load(self) -> dict[str, Any] | Failure:
        """Load the engine; the description of its model."""
        try:
            engine = self._thread.submit(self.open_engine).result()
        except Exception as error:  # noqa: BLE001 - told to the bot, whatever it is
            self.report(FAILED + (words(error) if isinstance(error, EkakiError) else str(error)))
            return Failure.of(error)
        self._engine = engine
        return described(engine.model)

    def draw(
        self, request_json: str, index: int, init: bytes | None, mask: bytes | None = None
    ) -> Iterator[Event]:
        """Draw picture `index`: steps, then a picture or a failure."""
        watching = self._watching = Watching()
        request = ResolvedRequest.from_json(request_json)
        engine = self._engine
        assert engine is not None, "load() comes first"
        size = f"{request.width}x{request.height}"
        self.report(f"Drawing a picture of {size}, {request.num_inference_steps} steps")

        def work() -> None:
            try:
                images = [None if each is None else decoded(each) for each in (init, mask)]
                drawn = engine.draw(
                    request, index, watching, init_image=images[0], mask_image=images[1]
                )
                watching.events.put(PictureDone(
                    encoded(drawn.image), drawn.seed, drawn.elapsed_s, drawn.seconds_a_step,
                    drawn.decoder, drawn.faces, drawn.faces_s,
                ))  # fmt: skip
            except BaseException as error:  # noqa: BLE001 - see `load`
                watching.events.put(Failure.of(error))

        self._thread.submit(work)
        while True:
            event = watching.events.get()
            yield event
            if isinstance(event, PictureDone):
                self.report(f"Done in {event.elapsed_s:.1f} s")
            elif isinstance(event, Failure):
                self.report("Cancelled" if event.kind == "cancelled" else f"Failed: {event.key}")
            else:
                continue
            return

    def lacks(self, digests: list[str]) -> list[str]:
        """The LoRAs whose weights are not on this machine."""
        return missing(self._options.loras, digests)

    def take_adapter(self, digest: str, piece: bytes, *, first: bool, last: bool) -> Failure | None:
        """A piece of the weights of a LoRA; why it can't be kept."""
        try:
            Receiver(self._options.loras).take(digest, piece, first=first, last=last)
        except Exception as error:  # noqa: BLE001 - told to the bot, whatever it is
            return Failure.of(error)
        return None

    def cancel(self) -> None:
        """Stop what is drawn, at its next step."""
        self._watching.cancelled.set()

    def signs(self) -> int:
        """Signs of life of the engine while it draws: the same number again and again means that it
        hangs."""
        return self._watching.signs

    def leaving(self) -> bool:
        """Whether `python -m bot host` was asked to end."""
        path = os.environ.get(REPORT)
        return path is not None and Path(path + LEAVING).exists()

    def report(self, line: str) -> None:
        """Have `python -m bot host` show `line`."""
        path = os.environ.get(REPORT)
        if path:
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(f"{self._index} {line}\n")

    def open_engine(self) -> Engine:
        """The engine of this device, by what `python -m bot host` was told."""
        return load_engine(self._options, progress=self.report)

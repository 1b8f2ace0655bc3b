"""The playground in a process of its own, with an engine that draws slowly and knows no model.

`python -m tests.bot.playground.page.stage FOLDER PORT STEP_S PICTURES HELD`; STEP_S "demo": with
the model of `make demo`. PICTURES: how many of those that it is filled with. HELD: see
`HeldEngine`.
"""

import re
import sys
import time
from pathlib import Path
from typing import Any

from PIL import Image

from bot.playground.page.filling import pieces
from bot.playground.page.start import Playground, run
from bot.playground.simulator import limits
from cogs.drawing import submission
from pipeline.engine.protocol import DrawnPicture, Watch
from pipeline.request import ResolvedRequest
from tests.support.fake_engine import FakeEngine
from tests.support.patience import PATIENCE_S


class HeldEngine(FakeEngine):
    """A picture whose prompt has `held-NAME` stops after its first step until there is a file of
    that name in `folder`, and the picture after `held` others until there is a file `held`."""

    def __init__(self, folder: Path, *, step_s: float, held: int) -> None:
        super().__init__(scale=8, step_s=step_s)
        self._folder, self._held = folder, held
        self._gate: Path | None = None
        self._first = True

    def draw(self, request: ResolvedRequest, *arguments: Any, **images: Any) -> DrawnPicture:
        named = re.search(r"held-\w+", request.prompt)
        name = "held" if len(self.drawn) == self._held else named and named[0]
        self._gate = self._folder / name if name else None
        self._first = True
        return super().draw(request, *arguments, **images)

    def picture(
        self, request: ResolvedRequest, index: int, init_image: Image.Image | None
    ) -> Image.Image:
        """In light colours: the demo's tagger takes one of forty flat pictures, of a dark or strong
        red, for an explicit one, and withholds it."""
        drawn = super().picture(request, index, init_image)
        return Image.blend(drawn, Image.new("RGB", drawn.size, "white"), 0.5)

    def _wait(self, watch: Watch) -> None:
        """Before each step."""
        ends_at = time.monotonic() + PATIENCE_S
        while not (self._first or self._gate is None or self._gate.exists()):
            assert time.monotonic() < ends_at, f"{self._gate} did not come"
            if watch.is_cancelled():
                break
            time.sleep(0.005)
        self._first = False
        super()._wait(watch)


def main(folder: str, port: str, step_s: str, pictures: str, held: str) -> int:
    limits.ACKNOWLEDGE_WITHIN_S = PATIENCE_S  # a busy machine misses no deadline of Discord's
    submission.UNDECIDED_S = PATIENCE_S

    def load() -> FakeEngine:
        return HeldEngine(Path(folder), step_s=float(step_s), held=int(held))

    return run(
        Playground(
            folder=Path(folder),
            port=int(port),
            load=None if step_s == "demo" else load,
            settings={"progress_interval_s": 0.3},
            wanted=pieces()[: int(pictures)],
        )
    )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

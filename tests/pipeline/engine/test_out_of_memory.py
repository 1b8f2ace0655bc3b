"""Memory that runs out in the middle: smaller from there on, and nothing is lost.

The real part runs in a process of its own whose address space is bounded, so that ONNX Runtime's
arena fails as it would on a full machine.
"""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.engine.unet import SparingUNet, UNetSession
from pipeline.engine.vae.pieces import VaeHalf
from pipeline.engine.vae.tiles import Tiling
from pipeline.errors import EngineError
from pipeline.model.folder import ModelFolder
from pipeline.runtime.providers import CUDA
from tests.support.patience import PATIENCE_S

Floats = NDArray[np.float32]

_DRAW = """
import hashlib, json, logging, resource, sys
from pathlib import Path

import psutil

from tests.pipeline.own_model import make_request, open_own

class Quiet:
    def is_cancelled(self):
        return False
    def on_step(self, step, steps, preview):
        pass

lines = []
handler = logging.Handler()
handler.emit = lambda record: lines.append(record.getMessage())
logging.getLogger("pipeline").addHandler(handler)
engine = open_own(Path(sys.argv[1]))
engine.draw(make_request(width=64, height=64, num_inference_steps=1), 0, Quiet())
if sys.argv[2] == "bounded":
    bound = psutil.Process().memory_info().vms + int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
told = {}
for number in range(2):
    row = engine.begin(make_request(width=640, height=640, num_inference_steps=2), number)
    resident = []
    while not row.done:
        engine.step([row])
        resident.append(psutil.Process().memory_info().rss)
    told[f"latents {number}"] = hashlib.sha256(row.latents.tobytes()).hexdigest()
    if sys.argv[2] == "bounded":
        told[f"size {number}"] = engine.finish(row).size
    told[f"lines {number}"] = list(lines)
    told["resident"] = resident
print(json.dumps(told))
"""


ROOMS = range(190_000_000, 300_000_000, 10_000_000)
"""Attention's scores and their softmax take 164 MB for two rows of 640x640 and 82 for one; in the
VAE 328 for the whole. How much more the arena takes, which grows in doubling pieces, depends on the
machine: the first room is taken in which two rows fail and one does not."""

UNET = "Memory ran out with 2 rows at once: 1 from now on"


def draw(model: Path, how: str, room: int = 0) -> dict[str, object] | None:
    """What was drawn and said; None where that ended in an error, as it should, and in no crash."""
    ended = subprocess.run(
        [sys.executable, "-c", _DRAW, str(model), how, str(room)],
        capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    if ended.returncode == 0:
        return json.loads(ended.stdout)
    assert ended.returncode == 1, f"it crashed: {ended.stderr}"
    return None


def lines_of(told: dict[str, object]) -> list[str]:
    """What was said by the end of the first picture."""
    return cast("list[str]", told["lines 0"])


@pytest.mark.skipif(sys.platform == "win32", reason="this is Windows, which has no such limit")
def test_a_picture_is_drawn_where_memory_runs_out_and_the_next_begins_smaller(
    tiny_path: Path,
) -> None:
    tried = (draw(tiny_path, "bounded", room) for room in ROOMS)
    bounded = next((told for told in tried if told and lines_of(told)[:1] == [UNET]), None)
    assert bounded is not None, "no room was short for two rows and long enough for one"
    _, *others = lines_of(bounded)
    assert others, "the VAE had room for the whole picture"
    assert all(line.startswith("Memory ran out in the VAE") for line in others)
    assert bounded["lines 1"] == bounded["lines 0"], "it did not remember"
    assert bounded["size 0"] == bounded["size 1"] == [640, 640]
    free = draw(tiny_path, "free")
    assert free is not None
    assert free["lines 1"] == []
    for number in range(2):  # the same numbers, and not a step was lost
        assert bounded[f"latents {number}"] == free[f"latents {number}"]


@pytest.mark.skipif(sys.platform == "win32", reason="this is Windows, which has no such limit")
def test_the_unet_gives_back_what_the_decoder_needs(tiny_path: Path) -> None:
    """With the last step. What both took, one beside the other, would be more than there is: the
    UNet keeps 100 MB from step to step here (164 and slack), which are gone when the VAE begins."""
    told = draw(tiny_path, "free")
    assert told is not None
    kept, left = cast("list[int]", told["resident"])
    assert kept - left > 100_000_000


class Small:
    """A UNet on a device with room for `most` rows. `runs`: rows of each run that it did."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.runs: list[int] = []

    def predict(self, *, sample: Floats, timesteps: Floats, **_: Floats) -> Floats:
        if len(sample) > self._most:
            raise EngineError("out_of_memory")
        self.runs.append(len(sample))
        return sample * timesteps[:, None]


def predict(unet: SparingUNet, rows: int) -> Floats:
    each = np.arange(1, rows + 1, dtype=np.float32)
    one = np.ones((rows, 1), np.float32)
    return unet.predict(sample=one, timesteps=each, prompt_embeds=one, pooled=one, time_ids=one)[
        :, 0
    ]


def sparing(small: Small, rows_at_once: int | None = None) -> SparingUNet:
    unet = UNetSession.__new__(UNetSession)  # its session is the device that is stood in for
    unet.session = small  # pyright: ignore[reportAttributeAccessIssue]
    unet.predict = small.predict  # pyright: ignore[reportAttributeAccessIssue]
    return SparingUNet(unet, rows_at_once=rows_at_once)


@pytest.mark.parametrize(
    ("room", "bound", "runs"),
    [
        (8, None, [8]),
        (8, 4, [4, 4]),
        (4, None, [4, 4]),
        (3, None, [2, 2, 2, 2]),
        (1, 6, [1] * 8),
    ],
)
def test_rows_of_several_people_are_parted_until_they_fit(
    room: int, bound: int | None, runs: list[int]
) -> None:
    small = Small(room)
    unet = sparing(small, bound)
    assert predict(unet, 8).tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert small.runs == runs
    small.runs.clear()
    predict(unet, 8)
    assert small.runs == runs, "what was too much once is not tried again"


def test_one_row_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(EngineError) as caught:
        predict(sparing(Small(0)), 2)
    assert caught.value.key == "out_of_memory"


class Vae:
    """Runs out above `room` pixels a side. `sides`: what it was asked, 0 for the whole picture."""

    def __init__(self, room: int) -> None:
        self._room = room
        self.sides: list[int] = []

    def run(self, half: VaeHalf) -> Floats:
        return half.in_pieces(lambda: self._piece(1024), self._tiles, width=1024, height=1024)

    def _tiles(self, tiling: Tiling) -> Floats:
        return self._piece(tiling.side * 8)

    def _piece(self, side: int) -> Floats:
        self.sides.append(side)
        if side > self._room:
            raise EngineError("out_of_memory")
        return np.zeros(1, np.float32)


def on_card(folder: ModelFolder, *, tiled: bool = False) -> VaeHalf:
    session: Any = SimpleNamespace(provider=CUDA)
    return VaeHalf(folder, session, free_bytes=lambda: 0, tiled=tiled)


@pytest.mark.parametrize(
    ("room", "first", "later"),
    [(2000, [1024], [1024]), (600, [1024, 512], [512]), (300, [1024, 512, 256], [256])],
)
def test_the_vae_goes_on_in_tiles_that_fitted(
    tiny: ModelFolder, room: int, first: list[int], later: list[int]
) -> None:
    half, vae = on_card(tiny), Vae(room)
    vae.run(half)
    assert vae.sides == first
    vae.sides.clear()
    vae.run(half)
    assert vae.sides == later


def test_a_vae_that_can_do_nothing_says_so(tiny: ModelFolder) -> None:
    half, vae = on_card(tiny, tiled=True), Vae(100)
    with pytest.raises(EngineError):
        vae.run(half)
    assert vae.sides == [512, 256], "known to have no room for the whole"

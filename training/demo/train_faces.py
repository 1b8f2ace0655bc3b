"""Stage `faces`: a cascade of local binary patterns that finds the faces of the demo's figures.

Gentle boosting of single features (Friedman, Hastie, Tibshirani 2000), stage by stage (Viola and
Jones 2001): each stage keeps nearly all faces and learns from what the stages before it took for
one. A few minutes on two cores; the same numbers each time.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from pipeline.faces.cascade import codes_of, stage_sums, windows_of
from pipeline.faces.cascade_file import CODES, Cascade, Stage, write_cascade
from pipeline.faces.sources import WITH_MODEL
from training.demo.drawing import render
from training.demo.framing import framing, random_size
from training.demo.look import Look, sample_look

WINDOW: Final = 24
_HALF, _MIDDLE_Y = 260, 50
"""The box of a face: from the hair on its forehead to below its chin. Face-centred."""

_FACES, _OTHERS = 1800, 3600
_FEATURES = 1200  # tried for each weak classifier, out of some eight thousand
_STAGES, _WEAK = 12, 12
_KEPT = 0.997  # of the faces, by each stage
_PASSED = 0.35  # of the rest, by each stage
_UNSURE = 2e-4  # weight of the doubt about each code: one that was rarely seen is no face
_SCALE = 1 / 8
_COMMENT = "Finds faces of the demo's figures. Made by: python -m training.demo faces. MIT licence."

Window = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A drawing in grey at an eighth of its size, and its face's box in it: left, top, side; None
    without one."""

    grey: Image.Image
    face: tuple[float, float, float] | None


def train_faces(folder: Path, *, seed: int = 5) -> Path:
    """Write the cascade into the model `folder`."""
    rng = random.Random(seed)
    scenes = _scenes(rng)
    faces = _faces(scenes, rng)
    choice = np.random.default_rng(seed)
    pool = _all_features()
    stages: list[Stage] = []
    while len(stages) < _STAGES:
        others = _others(scenes, Cascade(width=WINDOW, height=WINDOW, stages=tuple(stages)))
        if len(others) < _OTHERS:
            print(f"{len(others)} windows are still taken for faces: done", flush=True)
            break
        stages.append(_stage(faces, others, pool, choice))
        kept = faces[stage_sums(stages[-1], *_one_below_the_other(faces)) >= stages[-1].threshold]
        print(
            f"stage {len(stages)}: {len(stages[-1].features)} features,"
            f" {len(kept) / len(faces):.1%} of the faces stay",
            flush=True,
        )
        faces = kept
    path = folder / WITH_MODEL
    path.parent.mkdir(exist_ok=True)
    cascade = Cascade(width=WINDOW, height=WINDOW, stages=tuple(stages))
    write_cascade(cascade, path, comment=_COMMENT)
    return path


def scene_of(look: Look, *, width: int, height: int) -> Scene:
    """`look` drawn, and where its face is."""
    pixels = render(look, width=width, height=height, scale=_SCALE)
    grey = ImageOps.equalize(Image.fromarray(pixels).convert("L"))
    if look.rating != "safe":
        return Scene(grey=grey, face=None)
    place = framing(width, height, shift=look.shift)
    left, top = place.x - place.scale * _HALF, place.y + place.scale * (_MIDDLE_Y - _HALF)
    side = 2 * _HALF * place.scale
    return Scene(grey=grey, face=(left * _SCALE, top * _SCALE, side * _SCALE))


def _scenes(rng: random.Random) -> Iterator[Scene]:
    while True:
        width, height = random_size(rng)
        yield scene_of(sample_look(rng), width=width, height=height)


def _faces(scenes: Iterator[Scene], rng: random.Random) -> NDArray[np.uint8]:
    """(count, 24, 24), each a little beside its place and of a little another size."""
    found: list[Window] = []
    for scene in scenes:
        if scene.face is None:
            continue
        left, top, side = scene.face
        for _ in range(2):
            size = side * rng.uniform(0.92, 1.08)
            x = left + (side - size) / 2 + side * rng.uniform(-0.04, 0.04)
            y = top + (side - size) / 2 + side * rng.uniform(-0.04, 0.04)
            box = (x, y, x + size, y + size)
            window = scene.grey.resize((WINDOW, WINDOW), Image.Resampling.BILINEAR, _in(box, scene))
            found.append(np.asarray(window))
        if len(found) >= _FACES:
            break
    return np.stack(found)


def _in(box: tuple[float, float, float, float], scene: Scene) -> tuple[float, float, float, float]:
    width, height = scene.grey.size
    return max(0.0, box[0]), max(0.0, box[1]), min(width, box[2]), min(height, box[3])


def _others(scenes: Iterator[Scene], cascade: Cascade) -> NDArray[np.uint8]:
    """Windows that are no faces, and that all stages of `cascade` take for one."""
    found: list[Window] = []
    for _, scene in zip(range(3000), scenes, strict=False):
        scale, mine = 1.0, 0
        while min(scene.grey.size) / scale >= WINDOW and mine < 60:
            size = (round(scene.grey.width / scale), round(scene.grey.height / scale))
            level = np.asarray(scene.grey.resize(size, Image.Resampling.BILINEAR))
            wrong = [
                level[top : top + WINDOW, left : left + WINDOW]
                for top, left in _spread(windows_of(cascade, level))
                if not _is_face(scene, top * scale, left * scale, WINDOW * scale)
            ][:12]
            found += wrong
            mine += len(wrong)
            scale *= 1.25
        if len(found) >= _OTHERS:
            return np.stack(found)[:_OTHERS]
    return np.array(found, np.uint8).reshape(-1, WINDOW, WINDOW)


def _spread(places: NDArray[np.intp]) -> NDArray[np.intp]:
    """Some of them, from everywhere; the same each time."""
    return places[:: max(1, len(places) // 24)]


def _is_face(scene: Scene, top: float, left: float, side: float) -> bool:
    """Whether they share half of what they cover together."""
    if scene.face is None:
        return False
    face_left, face_top, face_side = scene.face
    across = min(left + side, face_left + face_side) - max(left, face_left)
    down = min(top + side, face_top + face_side) - max(top, face_top)
    common = max(0.0, across) * max(0.0, down)
    return common / (side**2 + face_side**2 - common) > 0.35


def _all_features() -> NDArray[np.intp]:
    """(n, 4): every feature of a window."""
    sides = range(1, WINDOW // 3 + 1)
    return np.array([
        (left, top, across, down)
        for across in sides for down in sides
        for left in range(WINDOW - 3 * across + 1) for top in range(WINDOW - 3 * down + 1)
    ], np.intp)  # fmt: skip


def _one_below_the_other(
    windows: NDArray[np.uint8],
) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """The windows as one tall picture: its sums, and the place of each, for `codes_of`."""
    tall = windows.reshape(-1, WINDOW)
    sums = np.zeros((len(tall) + 1, WINDOW + 1), np.int32)
    sums[1:, 1:] = tall.cumsum(0, np.int32).cumsum(1, np.int32)
    places = np.stack([np.arange(len(windows)) * WINDOW, np.zeros(len(windows), np.intp)], 1)
    return sums, places


def _stage(
    faces: NDArray[np.uint8],
    others: NDArray[np.uint8],
    pool: NDArray[np.intp],
    choice: np.random.Generator,
) -> Stage:
    """Weak classifiers until few enough of the others pass with nearly all faces."""
    windows = np.concatenate([faces, others])
    wanted = np.repeat([1.0, -1.0], [len(faces), len(others)])
    weights = np.repeat([0.5 / len(faces), 0.5 / len(others)], [len(faces), len(others)])
    features = pool[choice.choice(len(pool), _FEATURES, replace=False)]
    sums, places = _one_below_the_other(windows)
    codes = np.stack([codes_of(feature, sums, places).astype(np.uint8) for feature in features])
    total = np.zeros(len(windows), np.float32)
    chosen: list[NDArray[np.intp]] = []
    tables: list[NDArray[np.float32]] = []
    threshold = 0.0
    while len(chosen) < _WEAK:
        fits = [_weak(row, wanted, weights) for row in codes]
        best = min(range(len(fits)), key=lambda at: fits[at][0])
        table = fits[best][1]
        chosen.append(features[best])
        tables.append(table)
        total += table[codes[best]]
        weights *= np.exp(-wanted * table[codes[best]])
        weights /= weights.sum()
        threshold = float(np.quantile(total[: len(faces)], 1 - _KEPT, method="lower"))
        if (total[len(faces) :] >= threshold).mean() <= _PASSED and len(chosen) > 1:
            break
    return Stage(features=np.array(chosen), values=np.stack(tables), threshold=threshold)


def _weak(
    codes: NDArray[np.uint8], wanted: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[float, NDArray[np.float32]]:
    """The squared error of the best split of the codes, and what it adds for each of them."""
    seen = np.bincount(codes, weights, CODES) + _UNSURE
    says = np.bincount(codes, weights * wanted, CODES) - _UNSURE
    order = np.argsort(says / seen, kind="stable")
    seen_low, says_low = seen[order].cumsum()[:-1], says[order].cumsum()[:-1]
    seen_high, says_high = seen.sum() - seen_low, says.sum() - says_low
    gain = says_low**2 / seen_low + says_high**2 / seen_high
    cut = int(gain.argmax())
    table = np.empty(CODES, np.float32)
    table[order[: cut + 1]] = says_low[cut] / seen_low[cut]
    table[order[cut + 1 :]] = says_high[cut] / seen_high[cut]
    return -float(gain[cut]), table

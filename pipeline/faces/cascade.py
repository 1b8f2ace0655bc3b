"""Finds faces with a cascade of local binary patterns: a window of every size at every place."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from pipeline.canvas import Box
from pipeline.faces.cascade_file import Cascade, Stage
from pipeline.faces.found import Face

LONGEST: Final = 640
"""Pixels of the longer side at which a picture is looked at: a face of 40 of 1024 is still found,
and the whole takes about a second."""

NEIGHBOURS: Final = 5
"""So many windows at about the same place make a face; fewer are accidents."""

_GROWTH: Final = 1.1  # from one size of the window to the next
_FINE: Final = 2.0  # windows up to twice the smallest are tried at every second pixel
_ALIKE: Final = 0.2  # windows whose sides differ by less, relative to their size, are one place
_EPSILON: Final = 1e-5  # OpenCV: taken off each threshold
_OUTER: Final = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))
"""The blocks around the middle one, (row, column), in the order of the bits from 128 down."""

Windows = NDArray[np.floating[Any]]
Places = NDArray[np.intp]


class CascadeFinder:
    """See `FaceFinder`. Deterministic, on the processor, in integers up to the sums of a stage."""

    def __init__(self, cascade: Cascade) -> None:
        self._cascade = cascade

    def find(self, image: Image.Image) -> list[Face]:
        """See `FaceFinder.find`."""
        grey = ImageOps.equalize(image.convert("L"))
        shrink = min(1.0, LONGEST / max(grey.size))
        if shrink < 1:
            size = (max(1, round(grey.width * shrink)), max(1, round(grey.height * shrink)))
            grey = grey.resize(size, Image.Resampling.BOX)
        windows = self._windows(grey) * (image.width / grey.width)
        faces = [
            Face(box=_inside(edges, image), score=float(count))
            for edges, count in grouped(windows)
            if count > NEIGHBOURS
        ]
        return _apart(sorted(faces, key=lambda face: (-face.score, face.box.left, face.box.top)))

    def _windows(self, grey: Image.Image) -> Windows:
        """(n, 4): left, top, right, bottom of all that pass, in pixels of `grey`."""
        found: list[Windows] = [np.zeros((0, 4))]
        scale = 1.0
        while True:
            width, height = round(grey.width / scale), round(grey.height / scale)
            if width < self._cascade.width or height < self._cascade.height:
                return np.concatenate(found)
            level = grey.resize((width, height), Image.Resampling.BILINEAR)
            places = windows_of(self._cascade, np.asarray(level), stride=2 if scale <= _FINE else 1)
            corner = places[:, ::-1] * scale
            size = np.array([self._cascade.width, self._cascade.height]) * scale
            found.append(np.concatenate([corner, corner + size], axis=1))
            scale *= _GROWTH


def windows_of(cascade: Cascade, level: NDArray[np.uint8], *, stride: int = 1) -> Places:
    """(n, 2): top and left of the windows in `level` (height, width) that are faces."""
    sums = np.zeros((level.shape[0] + 1, level.shape[1] + 1), np.int32)
    sums[1:, 1:] = level.cumsum(0, np.int32).cumsum(1, np.int32)
    rows = np.arange(0, level.shape[0] - cascade.height + 1, stride, dtype=np.intp)
    columns = np.arange(0, level.shape[1] - cascade.width + 1, stride, dtype=np.intp)
    places: Places = np.stack([np.repeat(rows, len(columns)), np.tile(columns, len(rows))], axis=1)
    for stage in cascade.stages:
        if not len(places):
            break
        places = places[stage_sums(stage, sums, places) >= stage.threshold - _EPSILON]
    return places


def stage_sums(stage: Stage, sums: NDArray[np.int32], places: Places) -> NDArray[np.float32]:
    """What `stage` adds up for each of `places`. `sums` (height + 1, width + 1): of all pixels
    above and to the left."""
    total = np.zeros(len(places), np.float32)
    for feature, values in zip(stage.features, stage.values, strict=True):
        total += values[codes_of(feature, sums, places)]
    return total


def codes_of(feature: Places, sums: NDArray[np.int32], places: Places) -> Places:
    """The code of one feature at each of `places`, 0 to 255."""
    left, top, width, height = feature
    width_of_sums = sums.shape[1]
    flat = sums.ravel()
    base = (places[:, 0] + top) * width_of_sums + places[:, 1] + left
    corners = [
        [flat[base + (row * height * width_of_sums + column * width)] for column in range(4)]
        for row in range(4)
    ]

    def block(row: int, column: int) -> NDArray[np.int32]:
        above, below = corners[row], corners[row + 1]
        return above[column] - above[column + 1] - below[column] + below[column + 1]

    middle = block(1, 1)
    codes = np.zeros(len(places), np.intp)
    for row, column in _OUTER:
        codes = codes * 2 + (block(row, column) >= middle)
    return codes


def grouped(windows: Windows) -> list[tuple[Windows, int]]:
    """The mean of each group of windows (n, 4) at about the same place, and how many they are."""
    labels = np.arange(len(windows))
    sides = windows[:, 2:] - windows[:, :2]
    for index, (window, side) in enumerate(zip(windows, sides, strict=True)):
        reach = _ALIKE * np.minimum(sides, side).mean(axis=1, keepdims=True)
        alike = (np.abs(windows - window) <= reach).all(axis=1)
        alike[index] = True
        joined = np.isin(labels, labels[alike])
        labels[joined] = labels[joined].min()
    return [
        (windows[labels == label].mean(axis=0), int((labels == label).sum()))
        for label in np.unique(labels)
    ]


def _inside(edges: Windows, image: Image.Image) -> Box:
    left, top, right, bottom = (round(float(edge)) for edge in edges)
    left, top = min(max(0, left), image.width - 1), min(max(0, top), image.height - 1)
    return Box(
        left=left,
        top=top,
        right=max(left + 1, min(right, image.width)),
        bottom=max(top + 1, min(bottom, image.height)),
    )


def _apart(faces: list[Face]) -> list[Face]:
    """Without those whose middle lies in a surer one, or that have the middle of one in them."""
    kept: list[Face] = []
    for face in faces:
        if not any(_holds(face.box, other.box) or _holds(other.box, face.box) for other in kept):
            kept.append(face)
    return kept


def _holds(outer: Box, inner: Box) -> bool:
    x, y = (inner.left + inner.right) / 2, (inner.top + inner.bottom) / 2
    return outer.left <= x < outer.right and outer.top <= y < outer.bottom

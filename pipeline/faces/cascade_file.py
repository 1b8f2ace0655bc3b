"""Reads and writes cascades of local binary patterns, as OpenCV stores them in XML.

A cascade is a list of stages, each a sum of weak classifiers. A weak classifier looks at one
feature: 3 x 3 blocks of equal size, of which the eight outer ones are compared with the middle one
(OpenCV's order of bits: the upper left block is 128, then clockwise down to 1). Its table says for
each of the 256 results which of two values it adds. A window that reaches the threshold of every
stage is a face.
"""

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError

_N = TypeVar("_N", int, float)

CODES: Final = 256
_MAX_BYTES: Final = 4 * 2**20  # the largest known has a quarter of a megabyte
_MAX_SIDE: Final = 64
_WORDS: Final = 8  # of 32 bits, for 256 codes
_NODE: Final = 3 + _WORDS  # left, right, feature, table


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """features (n, 4): left, top, width and height of a block, in pixels of the window; values
    (n, 256) float32: what each adds for each code."""

    features: NDArray[np.intp]
    values: NDArray[np.float32]
    threshold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cascade:
    """`width` and `height` of the window, in pixels."""

    width: int
    height: int
    stages: tuple[Stage, ...]


def read_cascade(path: Path) -> Cascade:
    """Read a file of OpenCV. ModelError `faces_unreadable` says what is wrong with it."""
    try:
        return _cascade(ET.fromstring(_plain_text(path)))  # noqa: S314 - without entities
    except (OSError, ValueError, ET.ParseError) as error:
        raise ModelError("faces_unreadable", path=str(path), problem=str(error)[:200]) from error


def write_cascade(cascade: Cascade, path: Path, *, comment: str) -> None:
    """Write a file that OpenCV reads too. `comment`: what it is, and its licence."""
    rows = [tuple(map(int, row)) for stage in cascade.stages for row in stage.features]
    places = {row: place for place, row in enumerate(dict.fromkeys(rows))}
    lines = [
        '<?xml version="1.0"?>', f"<!-- {comment} -->", "<opencv_storage>", "<cascade>",
        "<stageType>BOOST</stageType>", "<featureType>LBP</featureType>",
        f"<height>{cascade.height}</height>", f"<width>{cascade.width}</width>",
        f"<stageNum>{len(cascade.stages)}</stageNum>", "<stages>",
    ]  # fmt: skip
    for stage in cascade.stages:
        lines += _stage_lines(stage, places)
    lines += ["</stages>", "<features>"]
    lines += [f"<_><rect>{' '.join(map(str, row))}</rect></_>" for row in places]
    lines += ["</features>", "</cascade>", "</opencv_storage>", ""]
    path.write_text("\n".join(lines), encoding="utf-8")


def _stage_lines(stage: Stage, places: dict[tuple[int, ...], int]) -> list[str]:
    lines = [
        f"<_><maxWeakCount>{len(stage.features)}</maxWeakCount>"
        f"<stageThreshold>{stage.threshold:.6g}</stageThreshold><weakClassifiers>"
    ]
    for row, values in zip(stage.features, stage.values, strict=True):
        low = values.min()
        bits = np.packbits(values == low, bitorder="little").view("<i4")
        node = " ".join(map(str, (0, -1, places[tuple(map(int, row))], *bits)))
        lines.append(
            f"<_><internalNodes>{node}</internalNodes>"
            f"<leafValues>{low:.6g} {values.max():.6g}</leafValues></_>"
        )
    return [*lines, "</weakClassifiers></_>"]


def _plain_text(path: Path) -> str:
    """The content, as far as it can be read without harm: entities could fill the memory."""
    if path.stat().st_size > _MAX_BYTES:
        raise ValueError("too large")
    text = path.read_text(encoding="utf-8")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("no plain XML")
    return text


def _cascade(root: ET.Element) -> Cascade:
    found = root.find("cascade")
    if found is None or _text(found, "featureType") != "LBP":
        raise ValueError("no cascade of local binary patterns")
    width, height = int(_text(found, "width")), int(_text(found, "height"))
    if not (0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE):
        raise ValueError(f"a window of {width}x{height}")
    rects = [_numbers(each, "rect", int) for each in found.findall("features/_")]
    for rect in rects:
        _check_rect(rect, width, height)
    stages = tuple(_stage(each, rects) for each in found.findall("stages/_"))
    if not stages:
        raise ValueError("no stages")
    return Cascade(width=width, height=height, stages=stages)


def _check_rect(rect: list[int], width: int, height: int) -> None:
    match rect:
        case [left, top, across, down] if (
            min(left, top) >= 0
            and min(across, down) > 0
            and left + 3 * across <= width
            and top + 3 * down <= height
        ):
            return
        case _:
            raise ValueError(f"a feature {rect} outside of the window")


def _stage(element: ET.Element, rects: list[list[int]]) -> Stage:
    weak = element.findall("weakClassifiers/_")
    if not weak:
        raise ValueError("an empty stage")
    features: list[list[int]] = []
    values: list[NDArray[np.float32]] = []
    for each in weak:
        node, leaves = _numbers(each, "internalNodes", int), _numbers(each, "leafValues", float)
        if len(node) != _NODE or len(leaves) != 2 or not 0 <= node[2] < len(rects):
            raise ValueError("a tree that is no single decision")
        features.append(rects[node[2]])
        words = np.array(node[3:], np.int64).astype(np.uint32).astype("<u4")
        table = np.unpackbits(words.view(np.uint8), bitorder="little").astype(np.bool_)
        values.append(np.where(table, np.float32(leaves[0]), np.float32(leaves[1])))
    threshold = float(_text(element, "stageThreshold"))
    stage = Stage(
        features=np.array(features, np.intp), values=np.stack(values), threshold=threshold
    )
    if not (np.isfinite(stage.values).all() and np.isfinite(threshold)):
        raise ValueError("numbers that are not finite")
    return stage


def _text(element: ET.Element, name: str) -> str:
    found = element.findtext(name)
    if found is None:
        raise ValueError(f"no {name}")
    return found.strip()


def _numbers(element: ET.Element, name: str, kind: type[_N]) -> list[_N]:
    return [kind(each) for each in _text(element, name).split()]

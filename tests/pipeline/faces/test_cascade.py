"""The face finder: equal to a plain loop over the published definition, and safe with any file."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pipeline.errors import ModelError
from pipeline.faces.cascade import CascadeFinder, grouped, windows_of
from pipeline.faces.cascade_file import Cascade, read_cascade, write_cascade
from tests.pipeline.faces.cascades import bright_middle, some_cascade


def plainly(cascade: Cascade, level: NDArray[np.uint8], *, stride: int) -> list[tuple[int, int]]:
    """One window after another, one pixel sum after another."""
    found: list[tuple[int, int]] = []
    for top in range(0, level.shape[0] - cascade.height + 1, stride):
        for left in range(0, level.shape[1] - cascade.width + 1, stride):
            window = level[top : top + cascade.height, left : left + cascade.width].astype(int)
            if all(_passes(cascade, number, window) for number in range(len(cascade.stages))):
                found.append((top, left))
    return found


def _passes(cascade: Cascade, number: int, window: NDArray[np.int_]) -> bool:
    stage = cascade.stages[number]
    total = 0.0
    for (left, top, across, down), values in zip(stage.features, stage.values, strict=True):
        blocks = [
            [
                window[
                    top + row * down : top + (row + 1) * down,
                    left + column * across : left + (column + 1) * across,
                ].sum()
                for column in range(3)
            ]
            for row in range(3)
        ]
        around = [*blocks[0], blocks[1][2], *blocks[2][::-1], blocks[1][0]]  # clockwise
        bits = "".join("1" if each >= blocks[1][1] else "0" for each in around)
        total += float(values[int(bits, 2)])
    return total >= stage.threshold


@settings(max_examples=30)
@given(st.integers(0, 2**31), st.sampled_from([1, 2]))
def test_it_finds_what_the_definition_says(seed: int, stride: int) -> None:
    level = np.random.default_rng(seed).integers(0, 256, (20, 26), np.uint8)
    cascade = some_cascade(seed)
    found = [tuple(map(int, place)) for place in windows_of(cascade, level, stride=stride)]
    assert found == plainly(cascade, level, stride=stride)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    made = some_cascade(3)
    path = tmp_path / "cascade.xml"
    write_cascade(made, path, comment="A test's.")
    read = read_cascade(path)
    assert (read.width, read.height) == (made.width, made.height)
    for one, other in zip(read.stages, made.stages, strict=True):
        assert (one.features == other.features).all()
        assert (one.values == other.values).all()
        assert one.threshold == other.threshold


PUBLISHED = """<?xml version="1.0"?>
<!-- a comment with a licence -->
<opencv_storage>
<cascade>
  <stageType>BOOST</stageType>
  <featureType>LBP</featureType>
  <height>24</height>
  <width>24</width>
  <stageParams>
    <boostType>GAB</boostType>
    <maxWeakCount>100</maxWeakCount></stageParams>
  <featureParams>
    <maxCatCount>256</maxCatCount></featureParams>
  <stageNum>1</stageNum>
  <stages>
    <!-- stage 0 -->
    <_>
      <maxWeakCount>1</maxWeakCount>
      <stageThreshold>-1.2500000000000000e+000</stageThreshold>
      <weakClassifiers>
        <_>
          <internalNodes>
            0 -1 0 -1302 -1 -2097218 -1 -1 -1 -1
            2147483647</internalNodes>
          <leafValues>
            -8.7500000000000000e-001 8.2500000000000000e-001</leafValues></_></weakClassifiers></_>
  </stages>
  <features>
    <_>
      <rect>
        0 3 5 6</rect></_></features></cascade>
</opencv_storage>
"""
"""The layout that `opencv_traincascade` writes."""


def test_the_published_layout_is_read(tmp_path: Path) -> None:
    path = tmp_path / "published.xml"
    path.write_text(PUBLISHED, encoding="utf-8")
    (stage,) = read_cascade(path).stages
    assert stage.features.tolist() == [[0, 3, 5, 6]]
    assert stage.threshold == -1.25
    # -1302 is 0xfffffaea: of the first 16 codes 0, 2, 4, 8 and 10 are not in the set.
    low = stage.values[0] == np.float32(-0.875)
    assert np.flatnonzero(~low[:16]).tolist() == [0, 2, 4, 8, 10]
    assert low[254]
    assert not low[255]  # the last bit of 2147483647


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("LBP", "HAAR"),
        ("0 3 5 6", "0 3 5 8"),
        ("0 3 5 6", "-1 3 5 6"),
        ("0 3 5 6", "0 3 5"),
        ("0 3 5 6", "0 3 x 6"),
        ("0 -1 0 -1302", "0 -1 1 -1302"),
        ("-1302", ""),
        ("-1.2500000000000000e+000", "nan"),
        ("<width>24", "<width>100000"),
        ("<stageThreshold>", "<other>"),
        ("<?xml", "<!DOCTYPE x [<!ENTITY a 'aaaa'>]><?xml"),
        ("</opencv_storage>", ""),
    ],
)
def test_any_other_file_is_refused(tmp_path: Path, before: str, after: str) -> None:
    assert before in PUBLISHED
    path = tmp_path / "other.xml"
    path.write_text(PUBLISHED.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(ModelError) as caught:
        read_cascade(path)
    assert caught.value.key == "faces_unreadable"


def test_a_missing_or_binary_file_is_refused(tmp_path: Path) -> None:
    binary = tmp_path / "binary.xml"
    binary.write_bytes(bytes(range(256)))
    for path in (tmp_path / "none.xml", binary):
        with pytest.raises(ModelError):
            read_cascade(path)


@settings(max_examples=15)
@given(
    st.integers(60, 300), st.integers(60, 200), st.floats(0, 1), st.floats(0, 1), st.floats(0.1, 1)
)
def test_faces_lie_in_the_picture_where_the_pattern_is(
    width: int, height: int, x: float, y: float, share: float
) -> None:
    side = max(20, round(share * min(width, height) / 3))
    left, top = round(x * (width - side)), round(y * (height - side))
    image = Image.new("RGB", (width, height), "black")
    box = (left, top, left + side - 1, top + side - 1)
    ImageDraw.Draw(image).rectangle(box, fill="white")
    faces = CascadeFinder(bright_middle()).find(image)
    assert faces == CascadeFinder(bright_middle()).find(image)
    for face in faces:
        assert 0 <= face.box.left < face.box.right <= width
        assert 0 <= face.box.top < face.box.bottom <= height
        across = min(face.box.right, left + side) - max(face.box.left, left)
        down = min(face.box.bottom, top + side) - max(face.box.top, top)
        assert min(across, down) > 0


def test_a_pattern_in_the_middle_is_found_at_its_size() -> None:
    image = Image.new("RGB", (300, 200), "black")
    ImageDraw.Draw(image).rectangle((130, 80, 169, 119), fill="white")
    (face,) = CascadeFinder(bright_middle()).find(image)
    assert abs((face.box.left + face.box.right) / 2 - 150) <= 6
    assert abs((face.box.top + face.box.bottom) / 2 - 100) <= 6
    assert CascadeFinder(bright_middle()).find(Image.new("RGB", (300, 200), "grey")) == []


@pytest.mark.parametrize("size", [(1, 1), (11, 300), (300, 11)])
def test_a_picture_smaller_than_the_window_has_none(size: tuple[int, int]) -> None:
    assert CascadeFinder(bright_middle()).find(Image.new("RGB", size, "white")) == []


def test_windows_at_the_same_place_are_one() -> None:
    alike = [[10, 10, 34, 34], [11, 10, 35, 34], [10, 12, 34, 36]]
    windows = np.array([*alike, [100, 100, 124, 124]], np.float64)
    found = sorted(grouped(windows), key=lambda each: each[1])
    assert [count for _, count in found] == [1, 3]
    assert found[1][0].tolist() == pytest.approx([31 / 3, 32 / 3, 103 / 3, 104 / 3])

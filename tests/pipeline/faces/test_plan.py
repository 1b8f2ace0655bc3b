"""Which faces are drawn again, and where: for any picture and any boxes."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.canvas import Box
from pipeline.faces.found import Face
from pipeline.faces.plan import is_small, patches
from pipeline.faces.second_pass import weights_of
from pipeline.rework import MAX_FACES, Size

SIDES = st.integers(64, 2048)


@st.composite
def pictures(draw: st.DrawFn) -> tuple[Size, list[Face]]:
    size = Size(width=draw(SIDES), height=draw(SIDES))
    faces: list[Face] = []
    for number in range(draw(st.integers(0, 7))):
        width = draw(st.integers(1, size.width))
        height = draw(st.integers(1, size.height))
        left = draw(st.integers(0, size.width - width))
        top = draw(st.integers(0, size.height - height))
        box = Box(left=left, top=top, right=left + width, bottom=top + height)
        faces.append(Face(box=box, score=100.0 - number))
    return size, faces


@given(pictures())
def test_every_square_lies_in_the_picture_with_its_face(picture: tuple[Size, list[Face]]) -> None:
    size, faces = picture
    found = patches(faces, size, native=1024)
    assert len(found) <= MAX_FACES
    boxes = [face.box for face in faces if is_small(face.box, size)]
    for each in found:
        square, changed = each.square, each.changed
        assert square.right - square.left == square.bottom - square.top == each.side < 1024
        assert 0 <= square.left < square.right <= size.width
        assert 0 <= square.top < square.bottom <= size.height
        assert 0 <= changed.left < changed.right <= each.side
        assert 0 <= changed.top < changed.bottom <= each.side
        large = each.enlarged(1024)
        assert 0 <= large.left < large.right <= 1024
        assert 0 <= large.top < large.bottom <= 1024
        assert any(
            square.left + changed.left <= box.left
            and square.top + changed.top <= box.top
            and box.right <= square.left + changed.right
            and box.bottom <= square.top + changed.bottom
            for box in boxes
            if max(box.right - box.left, box.bottom - box.top) <= each.side
        ) or any(max(box.right - box.left, box.bottom - box.top) > each.side for box in boxes)


@given(pictures())
def test_the_blend_is_nothing_outside_and_whole_in_the_middle(
    picture: tuple[Size, list[Face]],
) -> None:
    size, faces = picture
    for each in patches(faces, size, native=1024):
        weights, box = weights_of(each), each.changed
        assert weights.shape == (each.side, each.side)
        assert weights.min() >= 0
        assert 0 < weights.max() <= 1
        outside = weights.copy()
        outside[box.top : box.bottom, box.left : box.right] = 0
        assert not outside.any()
        inner = (box.right - box.left) // 2, (box.bottom - box.top) // 2
        if min(inner) >= each.feather:
            assert weights[box.top + inner[1], box.left + inner[0]] == 1


def face(side: int, *, left: int = 400, score: float = 9.0) -> Face:
    return Face(box=Box(left=left, top=300, right=left + side, bottom=300 + side), score=score)


def test_large_faces_and_squares_that_gain_nothing_are_left_alone() -> None:
    size = Size(width=1024, height=1024)
    assert patches([face(320)], size, native=1024) == []
    assert len(patches([face(300)], size, native=1024)) == 1
    assert patches([face(300)], size, native=512) == []


def test_of_many_the_surest_are_chosen_and_drawn_from_left_to_right() -> None:
    size = Size(width=1200, height=800)
    faces = [face(60, left=left, score=100 - left) for left in (600, 0, 900, 300, 200)]
    faces.sort(key=lambda each: -each.score)
    found = patches(faces, size, native=1024)
    assert [each.square.left for each in found] == [0, 170, 270, 570]


def test_the_face_is_in_the_middle_of_twice_its_size() -> None:
    (one,) = patches([face(100)], Size(width=1024, height=1024), native=1024)
    assert one.square == Box(left=350, top=250, right=550, bottom=450)
    assert one.changed == Box(left=35, top=35, right=165, bottom=165)
    assert one.feather == 15

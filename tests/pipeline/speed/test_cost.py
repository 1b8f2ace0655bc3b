"""What a picture counts: whole ones, and drafts by the work that they are."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pipeline.aspect import BUCKETS, Bucket
from pipeline.card import Speed
from pipeline.rating import Rating
from pipeline.request import GenerationRequest, ResolvedRequest
from pipeline.resolve import Defaults, resolve
from pipeline.speed.cost import (
    WHOLE,
    cost_of_work,
    face_cost,
    held_for_faces,
    picture_cost,
    used_for_faces,
)
from pipeline.speed.work import sdxl_work

USUAL = resolve(
    GenerationRequest(prompt="1girl"),
    defaults=Defaults(),
    ceiling=Rating.SAFE,
    random_seed=lambda: 1,
    category_of=lambda _: None,
)


def draft(**said: object) -> ResolvedRequest:
    few = {"num_inference_steps": 8, "guidance_scale": 1.0, "speed": Speed.DRAFT}
    return replace(USUAL, **{**few, **said})  # pyright: ignore[reportArgumentType] - its own fields


def test_eight_steps_without_guidance_are_a_fifth_of_a_picture() -> None:
    # (8 x 6.76 + 10.5) / (56 x 6.76 + 10.5) of 10^12 operations is 0.166
    work = sdxl_work(width=1024, height=1024)
    share = (8 * work.unet.total + work.decoder.total) / (56 * work.unet.total + work.decoder.total)
    assert 0.15 < share < 0.18
    assert picture_cost(draft(width=1024, height=1024)) == 20


def test_with_guidance_it_is_twice_the_steps() -> None:
    assert picture_cost(draft(guidance_scale=2.0)) == 35
    assert picture_cost(draft(guidance_scale=2.0)) == picture_cost(draft(num_inference_steps=16))


def test_what_img2img_skips_does_not_count() -> None:
    assert picture_cost(draft(init_picture="a", strength=0.5)) < picture_cost(draft())


def test_a_picture_at_full_speed_is_a_whole_one() -> None:
    for steps in (1, 28, 60):
        made = replace(USUAL, num_inference_steps=steps, guidance_scale=1.0)
        assert picture_cost(made) == WHOLE


def test_a_balanced_picture_is_half_of_one() -> None:
    # 12 of 28 steps are whole: (2 x (12 + 16 x 0.067) x 6.76 + 10.5) / (56 x 6.76 + 10.5) is 0.48
    balanced = replace(USUAL, speed=Speed.BALANCED, width=1024, height=1024)
    assert picture_cost(balanced) == 50


def test_a_face_is_nearly_half_a_picture_and_is_counted_when_it_is_drawn() -> None:
    # 11 of 28 steps at 1024x1024: (22 x 6.76 + 10.5) / (56 x 6.76 + 10.5) is 0.41
    asked = replace(USUAL, faces=True, count=2)
    assert face_cost(asked) == 45
    assert (picture_cost(asked), held_for_faces(asked)) == (WHOLE, 180)
    assert held_for_faces(USUAL) == used_for_faces(USUAL, [(0, 0)]) == 0
    assert used_for_faces(asked, [(0, 0), (1, 0)]) == 0
    assert used_for_faces(asked, [(0, 1), (1, 2)]) == 68  # of each picture
    alone = replace(asked, only_faces=True, strength=0.4)
    assert (picture_cost(alone), held_for_faces(alone)) == (45, 135)
    assert used_for_faces(alone, [(0, 1)]) == 0
    assert face_cost(draft(faces=True)) < 20


@given(st.integers(1, 120), st.sampled_from(BUCKETS))
def test_a_draft_is_between_nothing_and_a_picture_and_grows_with_its_steps(
    row_steps: int, bucket: Bucket
) -> None:
    size = {"width": bucket.width, "height": bucket.height}
    cost = cost_of_work(row_steps=row_steps, **size)
    assert 0 < cost <= WHOLE
    assert cost % 5 == 0
    assert cost <= cost_of_work(row_steps=row_steps + 1, **size)
    assert row_steps < 56 or cost == WHOLE

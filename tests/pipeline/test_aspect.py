import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.common.sizes import size_label
from data.shipped.text import languages, speaking
from pipeline.aspect import (
    BUCKETS,
    DEFAULT_BUCKET,
    Bucket,
    nearest_bucket,
    parse_aspect,
    suggest_aspects,
)
from pipeline.errors import InputError


def test_the_nine_sizes_are_those_of_the_card() -> None:
    sizes = {(bucket.width, bucket.height, bucket.ratio) for bucket in BUCKETS}
    assert sizes == {
        (1024, 1024, "1:1"), (1152, 896, "9:7"), (896, 1152, "7:9"), (1216, 832, "19:13"),
        (832, 1216, "13:19"), (1344, 768, "7:4"), (768, 1344, "4:7"), (1536, 640, "12:5"),
        (640, 1536, "5:12"),
    }  # fmt: skip
    assert len({bucket.name for bucket in BUCKETS}) == 9
    assert DEFAULT_BUCKET.pixels == "832x1216"


@pytest.mark.parametrize("bucket", BUCKETS, ids=[bucket.name for bucket in BUCKETS])
def test_a_bucket_is_found_by_name_ratio_pixels_and_label(bucket: Bucket) -> None:
    for text in (
        bucket.name,
        bucket.name.upper(),
        bucket.ratio,
        bucket.ratio.replace(":", "/"),
        bucket.pixels,
        f" {bucket.width} × {bucket.height} ",
        f"{bucket.width}X{bucket.height}",
    ):
        assert parse_aspect(text) == bucket, text


@pytest.mark.parametrize(
    ("typed", "pixels"),
    [
        ("16:9", "1344x768"),
        ("9:16", "768x1344"),
        ("3:2", "1216x832"),
        ("2:3", "832x1216"),
        ("4:3", "1152x896"),
        ("21:9", "1536x640"),
        ("1000:1", "1536x640"),
        ("1920x1080", "1344x768"),
        ("2.39:1", "1536x640"),
        ("1/1", "1024x1024"),
    ],
)
def test_other_shapes_go_to_the_nearest_size(typed: str, pixels: str) -> None:
    assert parse_aspect(typed).pixels == pixels


@pytest.mark.parametrize(
    "typed",
    ["abc", "0:0", "0:1", "1:0", "", "-1:2", "1:", ":", "nan:1", "1:inf", "1:2:3", "9" * 99 + ":1"],
)
def test_what_is_no_size_is_refused_by_name(typed: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_aspect(typed)
    assert refused.value.key == "aspect_unknown"


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_no_bucket_is_nearer_in_log_ratio(width: int, height: int) -> None:
    wanted = math.log(width / height)
    chosen = nearest_bucket(width=width, height=height)
    distances = {b.name: abs(math.log(b.width / b.height) - wanted) for b in BUCKETS}
    assert distances[chosen.name] <= min(distances.values()) + 1e-12
    assert parse_aspect(f"{width}:{height}") == chosen


@given(st.text(max_size=60))
def test_any_text_gives_a_bucket_or_a_clear_refusal(text: str) -> None:
    with contextlib.suppress(InputError):
        assert parse_aspect(text) in BUCKETS
    assert all(bucket in BUCKETS for bucket in suggest_aspects(text, size_label))


@pytest.mark.parametrize("language", sorted(languages()))
@pytest.mark.parametrize("bucket", BUCKETS, ids=[bucket.name for bucket in BUCKETS])
def test_what_is_shown_is_read_again(bucket: Bucket, language: str) -> None:
    with speaking(language):
        label = size_label(bucket)
        assert parse_aspect(label) == bucket
        assert suggest_aspects(label, size_label) == [bucket]
        assert bucket in suggest_aspects(label[:3], size_label)


def test_the_known_ratio_leads_to_its_size() -> None:
    assert size_label(DEFAULT_BUCKET) == "Portrait, about 2:3 (832x1216)"
    assert {parse_aspect(bucket.about): bucket for bucket in BUCKETS} == {b: b for b in BUCKETS}


def test_suggestions_complete_what_was_typed() -> None:
    def names(typed: str) -> list[str]:
        return [bucket.name for bucket in suggest_aspects(typed, size_label)]

    assert names("") == [bucket.name for bucket in BUCKETS]
    assert names("por")[0] == "portrait"
    assert names("16:9")[0] == "wide"
    assert names("16")[0] == "wide"
    assert "tall" in names("9:1")
    assert names("slightly") == ["slightly_wide", "slightly_tall"]
    assert parse_aspect("slightly wide").pixels == "1152x896"
    assert names("wide")[0] == names("horizontal")[0] == "wide"
    assert parse_aspect("horizontal").pixels == parse_aspect("wide").pixels == "1344x768"
    assert set(names("1")) >= {"square", "portrait", "landscape", "panorama"}
    assert names("832")[0] == "portrait"
    assert names("zebra") == []
    assert all(len(set(names(t))) == len(names(t)) for t in ("1", "1:1", "v", "3:2", "x"))

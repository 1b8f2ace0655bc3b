"""What a tagger saw, as prompts."""

import pytest

from pipeline.rating import Rating
from pipeline.tags.described import MAX_LENGTH, MAX_TAGS, Described, described, variants
from pipeline.tags.kinds import TagKind, kind_of

SEEN = {
    "smile": 0.99, "1girl": 0.98, "long_hair": 0.9, "school_uniform": 0.8, "watermark": 0.8,
    "cherry_blossoms": 0.7, "solo": 0.7, "sitting": 0.6, "^_^": 0.5, "night": 0.45, "nude": 0.4,
}  # fmt: skip


def seen(**changes: object) -> Described:
    return described(
        SEEN,
        {"ganyu_(genshin_impact)": 0.95},
        rating=Rating.SENSITIVE,
        series_of=lambda name: name.partition(" (")[2].removesuffix(")") or None,
        hidden=lambda name: name == "nude",
        **changes,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("1girl", TagKind.SUBJECT), ("multiple_boys", TagKind.SUBJECT), ("solo", TagKind.SUBJECT),
        ("long hair", TagKind.BODY), ("cat_ears", TagKind.BODY), ("blue_eyes", TagKind.BODY),
        ("hair_ribbon", TagKind.CLOTHES), ("hair_flower", TagKind.CLOTHES),
        ("school_uniform", TagKind.CLOTHES), ("red_sweater", TagKind.CLOTHES),
        ("smile", TagKind.FACE), ("^_^", TagKind.FACE), (":d", TagKind.FACE),
        ("open_mouth", TagKind.FACE), ("blush", TagKind.FACE),
        ("sitting", TagKind.POSE), ("looking_at_viewer", TagKind.POSE),
        ("hand_on_own_hip", TagKind.POSE), ("cowboy_shot", TagKind.POSE),
        ("night_sky", TagKind.SCENE), ("simple_background", TagKind.SCENE),
        ("cherry_blossoms", TagKind.SCENE), ("monochrome", TagKind.OTHER),
    ],
)  # fmt: skip
def test_what_a_tag_says(name: str, kind: TagKind) -> None:
    assert kind_of(name) is kind


def test_the_order_is_the_models() -> None:
    found = seen()
    assert [name for name, _ in found.subjects] == ["1girl", "solo"]
    assert found.characters == (("ganyu (genshin impact)", 0.95),)
    assert found.series == ("genshin impact",)
    whole = variants(found, seed=1)[0].prompt
    assert whole == (
        "1girl, solo, ganyu \\(genshin impact\\), genshin impact, smile, long hair,"
        " school uniform, cherry blossoms, sitting, ^_^, night"
    )


def test_what_the_place_hides_and_what_is_only_written_on_it_is_left_out() -> None:
    names = {name for name, _ in seen().found}
    assert not names & {"nude", "watermark"}


def test_the_four_differ_in_what_they_are_for() -> None:
    whole, who, scene, mixed = variants(seen(), seed=1)
    assert who.prompt == (
        "1girl, solo, ganyu \\(genshin impact\\), genshin impact, smile, long hair, sitting, ^_^"
    )
    assert scene.prompt == "1girl, solo, smile, cherry blossoms, ^_^, night"
    assert mixed.style is not None
    assert (whole.style, who.style, scene.style) == (None, None, None)
    assert sorted(mixed.prompt.split(", ")) == sorted(whole.prompt.split(", "))
    assert mixed.prompt != whole.prompt
    assert mixed.prompt.startswith("1girl, solo, ganyu")


def test_the_same_picture_has_the_same_four() -> None:
    assert variants(seen(), seed=7) == variants(seen(), seed=7)
    assert len({variants(seen(), seed=seed)[3] for seed in range(20)}) > 10


def test_a_crowd_of_tags_fits() -> None:
    many = {f"{'x' * 60}_{number}": 0.9 for number in range(500)}
    found = described(
        many, {}, rating=Rating.SAFE, series_of=lambda _: None, hidden=lambda _: False
    )
    assert len(found.general) == MAX_TAGS
    for each in variants(found, seed=1):
        assert len(each.prompt) <= MAX_LENGTH

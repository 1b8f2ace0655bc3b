import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.tags.category import TagCategory
from pipeline.tags.csvformat import parse_tag_csv


def test_tagcomplete_lists_have_no_header_and_quoted_aliases() -> None:
    tags = list(parse_tag_csv(['long_hair,0,4350743,"/lh,longhair,長い髪"\n', ">_<,0,5,\n"]))
    assert tags[0].name == "long hair"
    assert tags[0].count == 4350743
    assert tags[0].aliases == ("lh", "longhair", "長い髪")
    assert tags[1].name == ">_<"


def test_hanatsumi_lists_have_a_mark_and_a_header() -> None:
    lines = [
        "\ufeffid,name,post_count,category,is_deprecated,created_at\n",
        "1,hatsune_miku,107000,4,false,2010\n",
        "2,old_tag,7,0,true,2010\n",
    ]
    (tag,) = parse_tag_csv(lines)
    assert (tag.name, tag.count, tag.category) == ("hatsune miku", 107000, TagCategory.CHARACTER)


@pytest.mark.parametrize(
    ("line", "said"),
    [("long_hair,2,5,", "category"), ("long_hair,0,many,", "count"), ("long_hair,0,-5,", "count"),
     ("long_hair", "columns"), ("a,0,1,b,c", "columns"), (",0,5,", "name is empty"),
     (f"{'x' * 300},0,5,", "255"), ("a\x07b,0,5,", "control"), ('"open,0,5,', "")],
)  # fmt: skip
def test_a_bad_row_is_named_by_its_line(line: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        list(parse_tag_csv(["good,0,1,\n", "\n", line]))
    assert caught.value.key == "tags_csv_bad"
    assert caught.value.data["line"] == 3
    assert said in str(caught.value.data["reason"])


@given(st.lists(st.text(max_size=40), max_size=5))
def test_any_text_gives_tags_or_our_error(lines: list[str]) -> None:
    try:
        assert all(tag.name for tag in parse_tag_csv(lines))
    except InputError as error:
        assert error.key == "tags_csv_bad"  # noqa: PT017 - either outcome is right

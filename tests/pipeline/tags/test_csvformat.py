import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.tag_category import TagCategory
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
    "header",
    ["name,category,post_count,aliases", "Tag,Type,Count,Alias", "tag;category;count;aliases",
     "tag\tcategory\tcount", "tag_name,category"],
)  # fmt: skip
def test_a_header_says_where_things_stand(header: str) -> None:
    sign = next(sign for sign in ";\t," if sign in header)
    row = sign.join(["hatsune_miku", "4", "7", "miku"][: header.count(sign) + 1])
    (tag,) = parse_tag_csv([header + "\n", row + "\n"])
    assert (tag.name, tag.category) == ("hatsune miku", TagCategory.CHARACTER)
    assert tag.count == (7 if "ount" in header else 0)


def test_a_list_of_names_alone_needs_its_header() -> None:
    assert [tag.name for tag in parse_tag_csv(["tag\n", "long_hair\n"])] == ["long hair"]


def test_categories_may_be_words() -> None:
    tags = parse_tag_csv(["a,general,1,\n", "b,Copyright,1,\n", "c, character ,1,\n"])
    assert [tag.category.name for tag in tags] == ["GENERAL", "COPYRIGHT", "CHARACTER"]


@pytest.mark.parametrize(
    ("line", "said"),
    [("long_hair,2,5,", "category"), ("long_hair,9,5,", "category"), ("long_hair,,5,", "category"),
     ("long_hair,0,many,", "count"), ("long_hair,0,-5,", "count"), ("long_hair,0,,", "count"),
     ("long_hair,0,1.5,", "count"), ("long_hair", "columns"), ("long_hair,0", "columns"),
     ("a,0,1,b,c", "columns"), (",0,5,", "name is empty"), (f"{'x' * 300},0,5,", "255"),
     ("a\x07b,0,5,", "control"), ("a\0b,0,5,", "control"), ("a\udcffb,0,5,", "UTF-8"),
     ('"open,0,5,', "columns"), ("Name des Tags,Art,Anzahl,", "category"),
     ("x" * 200_000 + ",0,5,", "")],
)  # fmt: skip
def test_an_odd_line_is_skipped_and_told_and_no_other_is_lost(line: str, said: str) -> None:
    skipped: list[tuple[int, str]] = []
    lines = ["good,0,1,\n", "\n", line + "\n", 'fine,0,2,"/f"\n']
    tags = list(parse_tag_csv(lines, lambda number, why: skipped.append((number, why))))
    assert [tag.name for tag in tags] == ["good", "fine"]
    ((number, why),) = skipped
    assert number == 3
    assert said in why


def test_an_alias_that_is_not_utf_8_is_left_out_alone() -> None:
    (tag,) = parse_tag_csv(['long_hair,0,5,"lh,\udc92\udcb7,longhair"\n'])
    assert tag.aliases == ("lh", "longhair")


@given(st.lists(st.text(max_size=40), max_size=5))
def test_any_text_gives_tags_or_is_skipped(lines: list[str]) -> None:
    skipped: list[int] = []
    tags = list(parse_tag_csv(lines, lambda number, _why: skipped.append(number)))
    assert all(tag.name for tag in tags)
    assert len(tags) + len(skipped) <= len(lines)
    assert skipped == sorted(set(skipped))

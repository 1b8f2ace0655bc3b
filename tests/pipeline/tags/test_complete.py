import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.tag_category import TagCategory
from pipeline.tags.complete import complete_last_piece, completion, takes_tags
from pipeline.tags.tag import Tag

HAIR = Tag(name="long hair", category=TagCategory.GENERAL)
GANYU = Tag(name="ganyu (genshin impact)", category=TagCategory.CHARACTER)
ARMS = Tag(name=r"\(^o^)/", category=TagCategory.GENERAL)
FACE = Tag(name=">_<", category=TagCategory.GENERAL)


@pytest.mark.parametrize(
    ("typed", "head", "piece"),
    [
        ("", "", ""),
        ("long ha", "", "long ha"),
        ("1girl, long ha", "1girl, ", "long ha"),
        ("1girl,long ha", "1girl,", "long ha"),
        ("1girl, ", "1girl, ", ""),
        ("  lo", "  ", "lo"),
        ("1girl, (smile", "1girl, (", "smile"),
        ("((smile", "((", "smile"),
        ("(smile:1.2", "(", "smile"),
        ("(smile:1.2)", "(", "smile"),
        ("(a, smile:1.", "(a, ", "smile"),
        ("1girl, ganyu (gen", "1girl, ", "ganyu (gen"),
        (r"1girl, ganyu \(gen", "1girl, ", "ganyu (gen"),
        (r"(ganyu \(genshin impact\):1.1)", "(", "ganyu (genshin impact)"),
        ("(ganyu (genshin impact):1.1)", "(", "ganyu (genshin impact)"),
        ("ganyu (genshin impact)", "", "ganyu (genshin impact)"),
        ("1girl BREAK lo", "1girl BREAK ", "lo"),
        ("re:zer", "", "re:zer"),
        (":3", "", ":3"),
        ("1girl、長い髪", "1girl、", "長い髪"),
        ("1girl，smile", "1girl，", "smile"),
        ("1girl､　笑", "1girl､　", "笑"),
        ("（笑顔：１．２）", "（", "笑顔"),
        ("a、［（笑顔", "a、［（", "笑顔"),
        ("{smile}", "{", "smile"),
        ("1girl --ar 3:2", "1girl --ar 3:2", ""),
    ],
)
def test_the_last_piece_is_what_is_being_typed(typed: str, head: str, piece: str) -> None:
    assert complete_last_piece(typed) == (head, piece)


@pytest.mark.parametrize(
    ("typed", "tag", "value"),
    [
        ("1girl, long ha", HAIR, "1girl, long hair"),
        ("1girl, ", HAIR, "1girl, long hair"),
        ("1girl, long hair", HAIR, "1girl, long hair"),
        ("(lo:1.2)", HAIR, "(long hair:1.2)"),
        ("(lo:1.2", HAIR, "(long hair:1.2"),
        ("a, gan", GANYU, r"a, ganyu \(genshin impact\)"),
        ("a, >", FACE, "a, >_<"),
        ("1girl、長い", HAIR, "1girl、long hair"),
        ("1girl，（長い：１．２）", HAIR, "1girl，（long hair：１．２）"),
        (r"\(^", ARMS, r"\\\(^o^\)/"),
        ("1girl BREAK", HAIR, "1girl BREAK long hair"),
    ],
)
def test_a_completion_keeps_what_stood_before(typed: str, tag: Tag, value: str) -> None:
    assert completion(typed, tag).text == value


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("1girl, lo", "1girl, long hair,"),
        ("1girl,lo", "1girl, long hair,"),
        ("(lo:1.2)", "(long hair:1.2),"),
        ("(lo:1.2", "(long hair:1.2"),
        ("a, (lo", "a, (long hair"),
        (r"ganyu \(genshin impact\), lo", r"ganyu \(genshin impact\), long hair,"),
    ],
)
def test_it_is_ready_for_the_next_tag_unless_a_bracket_is_open(typed: str, value: str) -> None:
    assert completion(typed, HAIR, ready=True).text == value


def test_no_tags_follow_flags() -> None:
    assert not takes_tags("1girl --no ha")
    assert takes_tags("1girl, --")


@given(st.text(max_size=60), st.sampled_from([HAIR, GANYU, FACE]), st.booleans())
def test_nothing_typed_before_the_piece_is_ever_changed(typed: str, tag: Tag, ready: bool) -> None:
    head, _ = complete_last_piece(typed)
    assert typed.startswith(head)
    assert completion(typed, tag, ready=ready).text.startswith(head)

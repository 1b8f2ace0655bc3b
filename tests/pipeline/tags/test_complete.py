import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.tag_category import TagCategory
from pipeline.tags.complete import complete_last_piece, completion
from pipeline.tags.tag import Tag, TagMatch

HAIR = TagMatch(tag=Tag(name="long hair", category=TagCategory.GENERAL))
GANYU = TagMatch(tag=Tag(name="ganyu (genshin impact)", category=TagCategory.CHARACTER))
ARMS = TagMatch(tag=Tag(name=r"\(^o^)/", category=TagCategory.GENERAL))
FACE = TagMatch(tag=Tag(name=">_<", category=TagCategory.GENERAL))


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
    ("typed", "match", "value"),
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
        ("1girl --no ha", HAIR, None),
    ],
)
def test_a_completion_keeps_what_stood_before(
    typed: str, match: TagMatch, value: str | None
) -> None:
    assert completion(typed, match) == value


def test_what_does_not_fit_is_not_offered() -> None:
    head = "1girl, " * 13  # 91 characters
    assert completion(head + "l", HAIR) == head + "long hair"  # 100
    assert completion(head + " l", HAIR) is None


@given(st.text(max_size=60), st.sampled_from([HAIR, GANYU, FACE]))
def test_nothing_typed_before_the_piece_is_ever_changed(typed: str, match: TagMatch) -> None:
    head, _ = complete_last_piece(typed)
    assert typed.startswith(head)
    value = completion(typed, match)
    assert value is None or (value.startswith(head) and len(value) <= 100)

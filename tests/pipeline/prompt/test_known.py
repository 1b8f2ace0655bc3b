"""Aliases become tags, other text stays as typed, and both are reported."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.hints import MAX_HINTS, Hint, HintKind, Hints
from pipeline.prompt.clean import clean_prompt
from pipeline.prompt.known import add_series, replace_aliases, unknown_pieces
from pipeline.prompt.read import read_prompt
from pipeline.prompt.tags import plain_keys

ALIASES = {
    "smiling": "smile",
    "猫耳": "cat ears",
    "hu tao": "hu tao (genshin impact)",
    "rem (blue)": "rem (re:zero)",
    "lh": "long hair",
}


def replaced(text: str) -> str:
    return replace_aliases(text, ALIASES.get, Hints())


@pytest.mark.parametrize(
    ("read", "drawn"),
    [
        ("1girl, smiling", "1girl, smile"),
        ("猫耳,smiling", "cat ears,smile"),
        ("smiling, 猫耳。", "smile, cat ears"),
        ("(smiling:1.2), [猫耳]", "(smile:1.2), [cat ears]"),
        ("((smiling, hat):0.8)", "((smile, hat):0.8)"),
        ("smiling BREAK smiling", "smile BREAK smile"),
        ("hu tao", r"hu tao \(genshin impact\)"),
        (r"rem \(blue\)", r"rem \(re:zero\)"),
        ("smiling girl", "smiling girl"),
        ("lh", "lh"),  # a shortcut for completion, and a word of its own
        ("", ""),
    ],
)
def test_whole_pieces_become_the_tag(read: str, drawn: str) -> None:
    assert replaced(read) == drawn


def test_each_alias_is_told_once() -> None:
    hints = Hints()
    replace_aliases("smiling, (smiling:1.1), 猫耳", ALIASES.get, hints)
    assert hints.found == (
        Hint(HintKind.ALIAS, "smiling", "smile"),
        Hint(HintKind.ALIAS, "猫耳", "cat ears"),
    )


def test_what_can_not_be_told_is_not_replaced() -> None:
    hints = Hints()
    text = replace_aliases(", ".join(f"word{n}" for n in range(50)), lambda t: f"tag {t}", hints)
    assert len(hints.found) == text.count("tag ") == MAX_HINTS


@given(st.lists(st.sampled_from([*r"ab ,:.()[]\1-", " BREAK "]), max_size=60).map("".join))
def test_brackets_weights_and_other_pieces_stay(typed: str) -> None:
    read = read_prompt(clean_prompt(typed), lambda _: False).text
    assert replace_aliases(read, lambda _: None, Hints()) == read
    doubled = replace_aliases(read, lambda piece: f"{piece} {piece}", Hints())
    for sign in "()[],":
        assert doubled.replace("\\" + sign, "").count(sign) == read.replace("\\" + sign, "").count(
            sign
        )


def test_a_character_brings_its_series_where_none_is_typed() -> None:
    series = {"asuka": "evangelion", "rei": "evangelion", "miku": "vocaloid"}.get
    hints = Hints()
    assert add_series("asuka, rei, miku, nobody", "1girl", series, hints) == "evangelion, vocaloid"
    assert [each.typed for each in hints.found] == ["evangelion", "vocaloid"]
    assert add_series("asuka", "1girl, (evangelion:1.2)", series, hints) == ""


def test_what_is_no_tag_is_found_as_typed() -> None:
    text = r"1girl, (a Girl in the rain:1.2), ganyu \(x\), 12, ^_^, a girl in the rain BREAK Hat"
    found = list(unknown_pieces(text, {"1girl"}.__contains__))
    assert found == ["a Girl in the rain", "ganyu (x)", "Hat"]


@given(st.text(max_size=80))
def test_any_text_has_pieces(typed: str) -> None:
    read = read_prompt(clean_prompt(typed), lambda _: False).text
    known = plain_keys(read)
    assert all(piece.strip() for piece in unknown_pieces(read, known.__contains__))

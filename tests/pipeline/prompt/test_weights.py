import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.prompt.tags import tag_key
from pipeline.prompt.weights import (
    MAX_WEIGHT,
    Break,
    Fragment,
    escape_tag,
    parse_weights,
    plain_tags,
)

SIGNS = ("(", ")", "[", "]", ":", ":1.5)", ":-1)", ":nan)", ":.)", "\\", "\\(", ",", " ", "BREAK")
WORDS = ("a", "smile", "^_^", "1girl", ":99)", ":0)", "é", "笑", "🎨", "--", "\n")
SYNTAX = st.lists(st.sampled_from((*SIGNS, *WORDS)), max_size=40).map("".join)


def read(prompt: str) -> list[tuple[str, float] | str]:
    return [
        "BREAK" if isinstance(part, Break) else (part.text, round(part.weight, 6))
        for part in parse_weights(prompt)
    ]


@pytest.mark.parametrize(
    ("prompt", "parts"),
    [
        ("", []),
        ("1girl, smile", [("1girl, smile", 1.0)]),
        ("a (b) c", [("a ", 1.0), ("b", 1.1), (" c", 1.0)]),
        ("((a))", [("a", 1.21)]),
        ("[a]", [("a", 0.909091)]),
        ("(a:1.5)", [("a", 1.5)]),
        ("(a:.5)", [("a", 0.5)]),
        ("(a:+2)", [("a", 2.0)]),
        ("(a (b:1.5) c)", [("a ", 1.1), ("b", 1.65), (" c", 1.1)]),
        ("[(a)]", [("a", 1.0)]),
        ("(a)(b)", [("ab", 1.1)]),
        (r"ganyu \(genshin impact\)", [("ganyu (genshin impact)", 1.0)]),
        (r"\[x\] \\ y", [(r"[x] \ y", 1.0)]),
        ("lone \\ backslash", [("lone  backslash", 1.0)]),
        ("a BREAK b", [("a", 1.0), "BREAK", ("b", 1.0)]),
        ("BREAKFAST, a", [("BREAKFAST, a", 1.0)]),
        ("(a BREAK b)", [("a", 1.1), "BREAK", ("b", 1.1)]),
        # unbalanced
        ("(a, b", [("a, b", 1.1)]),
        ("[a", [("a", 0.909091)]),
        ("a) b]", [("a) b]", 1.0)]),
        ("((a)", [("a", 1.21)]),
        ("(a]", [("a]", 1.1)]),
        ("a:1.5)", [("a:1.5)", 1.0)]),
        # odd weights
        ("(a:0)", [("a", 0.0)]),
        ("(a:-1)", [("a", -1.0)]),
        ("(a:99)", [("a", 99.0)]),
        ("(a:nan)", [("a:nan", 1.1)]),
        ("(a:inf)", [("a:inf", 1.1)]),
        ("(a:1.2.3)", [("a:1.2.3", 1.1)]),
        ("(a:.)", [("a:.", 1.1)]),
        ("(a:1e9)", [("a:1e9", 1.1)]),
        ("(a:" + "9" * 400 + ")", [("a", MAX_WEIGHT)]),
        ("[a:1.5]", [("a:1.5", 0.909091)]),
    ],
)
def test_weights_are_read_as_a1111_reads_them(
    prompt: str, parts: list[tuple[str, float] | str]
) -> None:
    assert read(prompt) == parts


def test_a1111s_own_example() -> None:
    assert read("a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).") == [
        ("a ", 1.0), ("house", 1.573), (" ", 1.1), ("on", 1.0), (" a ", 1.1), ("hill", 0.55),
        (", sun, ", 1.1), ("sky", 1.4641), (".", 1.1),
    ]  # fmt: skip


@given(SYNTAX | st.text())
def test_any_text_is_understood_with_finite_weights(prompt: str) -> None:
    for part in parse_weights(prompt):
        if isinstance(part, Fragment):
            assert part.text
            assert math.isfinite(part.weight)
            assert abs(part.weight) <= MAX_WEIGHT


@given(st.text(alphabet=st.characters(exclude_characters="\\()[]:"), max_size=50))
def test_text_without_syntax_stays_as_it_is(prompt: str) -> None:
    if "BREAK" not in prompt:
        assert "".join(p.text for p in parse_weights(prompt) if isinstance(p, Fragment)) == prompt


def test_four_thousand_brackets_are_read_quickly_and_bounded() -> None:
    deep = parse_weights("(" * 4000 + "a")
    assert deep == (Fragment("a", MAX_WEIGHT),)
    assert len(parse_weights("(a" * 2000)) >= 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("long_hair", "long hair"),
        ("ganyu_(genshin_impact)", r"ganyu \(genshin impact\)"),
        (r"ganyu \(genshin impact\)", r"ganyu \(genshin impact\)"),
        ("^_^", "^_^"),
        (">_<", ">_<"),
        ("||_||", "||_||"),
        ("(o)_(o)", r"\(o\)_\(o\)"),
        ("fate/stay_night", "fate/stay night"),
        (r"\m/", r"\\m/"),
        (r"\\m/", r"\\m/"),
    ],
)
def test_names_become_prompt_text(name: str, text: str) -> None:
    assert escape_tag(name) == text


@given(st.text(alphabet="abc_()[] :^", max_size=20))
def test_an_escaped_name_reads_back_as_the_name(name: str) -> None:
    once = escape_tag(name)
    assert escape_tag(once) == once
    assert tag_key(once) == tag_key(name.replace("(", "\\(").replace(")", "\\)")
                                    .replace("[", "\\[").replace("]", "\\]"))  # fmt: skip


def test_plain_tags_show_what_a_prompt_names() -> None:
    prompt = r"(1girl:1.2), [[long_hair]], ganyu \(genshin impact\), , (a, b:0.5) BREAK ns(fw)"
    assert plain_tags(prompt) == [
        "1girl", "long_hair", "ganyu (genshin impact)", "a", "b", "nsfw",
    ]  # fmt: skip


def test_one_tag_has_one_key_however_it_is_spelled() -> None:
    for same in (
        "(Long_Hair:1.2)",
        "[long   hair]",
        "LONG HAIR",
        "long\u200b hair",
        "ｌｏｎｇ hair",
    ):
        assert tag_key(same) == "long hair"
    assert tag_key("^_^") == "^_^"
    assert tag_key("a") != tag_key("b")

"""Choices in prompts: how they are read, what a seed gives, and what they can become."""

import time
import tracemalloc
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.prompt.clean import clean_prompt
from pipeline.prompt.wildcards.choosing import ChoiceLists, check, choose
from pipeline.prompt.wildcards.grammar import read_template, typed_of
from pipeline.prompt.wildcards.possible import possible_tags, possible_texts
from pipeline.prompt.wildcards.request import check_loras, read_choices, with_first
from pipeline.request import GenerationRequest

LISTS = {
    "colour": ("red", "blue", "green"),
    "heavy": ("9::red", "blue"),
    "hair": ("__colour__ hair", "{long|short} hair"),
    "wide": tuple(f"word {number}" for number in range(300)),
}
KNOWN = ChoiceLists(LISTS)


def texts(typed: str) -> set[str]:
    found = possible_texts(read_template(typed), KNOWN, most=2000)
    assert found is not None
    return set(found)


def given_by(typed: str, seed: int) -> str:
    template = read_template(typed)
    check(template, KNOWN, longest=4000)
    return choose(template, KNOWN, seed=seed).text


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("{red|blue} hair", {"red hair", "blue hair"}),
        ("{ red | blue }", {"red", "blue"}),
        ("{hat|}", {"hat", ""}),
        ("{2$$a|b|c}", {"a, b", "a, c", "b, a", "b, c", "c, a", "c, b"}),
        ("{2$$ and $$a|b}", {"a and b", "b and a"}),
        ("{2$$, $$a|b}", {"a, b", "b, a"}),
        ("{1-2$$a|b}", {"a", "b", "a, b", "b, a"}),
        ("{0-1$$a|b}", {"", "a", "b"}),
        ("{-2$$a|b}", {"a", "b", "a, b", "b, a"}),
        ("{2-$$a|b}", {"a, b", "b, a"}),
        ("{5$$a|b}", {"a, b", "b, a"}),
        ("{3::red|blue}", {"red", "blue"}),
        ("{0::red|blue}", {"blue"}),
        ("{.5::red|2.::blue}", {"red", "blue"}),
        ("{~1$$a|b}", {"a", "b"}),
        ("{a|{b|c}}", {"a", "b", "c"}),
        ("{{a|b}|c} d", {"a d", "b d", "c d"}),
        ("__colour__", {"red", "blue", "green"}),
        ("__Colour__", {"red", "blue", "green"}),
        ("__heavy__", {"red", "blue"}),
        ("__hair__", {"red hair", "blue hair", "green hair", "long hair", "short hair"}),
        ("{2$$__heavy__}", {"red, blue", "blue, red"}),
        ("2$$__heavy__", {"red, blue", "blue, red"}),
        ("__heavy____heavy__", {"redred", "redblue", "bluered", "blueblue"}),
        ("赤い__heavy__の", {"赤いredの", "赤いblueの"}),
        ("{1$$__heavy__|hat}", {"red", "blue", "hat"}),
        ("({red|blue} hair:1.2)", {"(red hair:1.2)", "(blue hair:1.2)"}),
        ("[{a|b}:c:0.5]", {"[a:c:0.5]", "[b:c:0.5]"}),
        ("{[a|b]|c}", {"[a|b]", "c"}),
        ("{c|[a|b|[d|e]:0.5]}", {"c", "[a|b|[d|e]:0.5]"}),
        ("{[a|{b|c}]|d}", {"[a|b]", "[a|c]", "d"}),
        ("{[a|b}", {"[a", "b"}),
        ("{2$$[a|b]|c}", {"[a|b], c", "c, [a|b]"}),
        (r"{\[a|b]}", {r"\[a", "b]"}),
        ("｛red｜blue｝ hair", {"red hair", "blue hair"}),
        ("｛２＄＄ａ｜ｂ｝", {"ａ, ｂ", "ｂ, ａ"}),
        ("{０：：a｜b}", {"b"}),
        ("＿＿colour＿＿", {"red", "blue", "green"}),
        ("{２＄＄＿＿heavy＿＿}", {"red, blue", "blue, red"}),
    ],
)
def test_what_can_be_chosen(typed: str, wanted: set[str]) -> None:
    assert texts(typed) == wanted


@pytest.mark.parametrize(
    "typed",
    [
        "{smile}", "{{{smile}}}", "{smile:1.2}", "{}", "{", "}", "|", ">:{", ":}, a | b", "{a|b",
        "a|b}", r"\{a\|b\}", "[a|b]", "${x=1}", "snake__case", "a__b__c", "__", "____", "__ a__",
        "a__b____c__", "__colour__s", "`__a`__", "{1.5::red::}",
        "50% off, #1, $5, // not a comment",
    ],
)  # fmt: skip
def test_what_is_no_choice_stays(typed: str) -> None:
    assert read_choices(GenerationRequest(prompt=typed), LISTS) is None
    assert texts(typed) == {typed}


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("{\n0.6::a\n|\n\n0.4::b\n}\nhat", {"a, hat", "b, hat"}),
        ("hat\n{2$$\r\n  a |\r\n  b\r\n}", {"hat, a, b", "hat, b, a"}),
        ("｛\na\n｜\nb\n｝", {"a", "b"}),
        ("hat\n{smile}\nbow", {"hat, {smile}, bow"}),
        ("{\n# often | {x}\n0::a\n|\n# rarely\n1::b\n}", {"b"}),
        ("hat # {a|b}\nbow", {"hat /* {a|b} */, bow"}),
        ("{a # c|b}", {"{a /* c|b} */"}),
    ],
)
def test_choices_over_several_lines(typed: str, wanted: set[str]) -> None:
    assert texts(clean_prompt(typed)) == wanted


def test_emphasis_around_a_choice_stays() -> None:
    assert texts("{{a|b}}") == {"{a}", "{b}"}


@given(st.text(alphabet="{}|$_:a1, -\\~#[]｛｜｝＄", max_size=80))
def test_nothing_typed_is_lost_or_fails(typed: str) -> None:
    assert "".join(map(typed_of, read_template(typed))) == typed


WORD = st.text(alphabet="abcdef", min_size=1, max_size=4)
CHOICE = st.lists(WORD, min_size=2, max_size=4, unique=True).map(lambda w: "{" + "|".join(w) + "}")


@given(CHOICE, st.text("xyz ,", max_size=20), st.text("xyz ,", max_size=20), st.integers(0, 2**32))
def test_words_around_a_choice_do_not_change_it(
    choice: str, before: str, after: str, seed: int
) -> None:
    alone = given_by(choice, seed)
    assert given_by(f"{before}{choice}{after}", seed) == f"{before}{alone}{after}"


@given(CHOICE, st.lists(CHOICE, max_size=3), st.integers(0, 2**32))
def test_other_choices_do_not_change_it(choice: str, others: list[str], seed: int) -> None:
    others = [other for other in others if other != choice]
    wanted = given_by(choice, seed)
    for at in range(len(others) + 1):
        found = given_by(" / ".join([*others[:at], choice, *others[at:]]), seed)
        assert found.split(" / ")[at] == wanted


def test_a_choice_typed_twice_chooses_twice() -> None:
    found = {given_by("{a|b|c} / {a|b|c}", seed) for seed in range(100)}
    assert len(found) == 9


def test_equal_inner_choices_of_different_outer_ones_are_independent() -> None:
    found = {given_by("{x{a|b|c}|y{a|b|c}} {z{a|b|c}|z {a|b|c}}", seed) for seed in range(300)}
    assert len(found) > 30


def test_a_new_entry_of_a_list_changes_only_where_it_is_chosen() -> None:
    before, after = (ChoiceLists({"c": tuple("abcdefgh"[:number])}) for number in (7, 8))
    template = read_template("__c__")
    for seed in range(300):
        old = choose(template, before, seed=seed).text
        new = choose(template, after, seed=seed).text
        assert new in (old, "h")


@pytest.mark.parametrize(
    ("typed", "shares"),
    [
        ("{a|b|c|d}", {"a": 0.25, "b": 0.25, "c": 0.25, "d": 0.25}),
        ("{3::a|b}", {"a": 0.75, "b": 0.25}),
        ("{a|a|b}", {"a": 2 / 3, "b": 1 / 3}),
        ("__heavy__", {"red": 0.9, "blue": 0.1}),
        ("{0-2$$a}", {"": 0.5, "a": 0.5}),
    ],
)
def test_how_often_each_is_chosen(typed: str, shares: dict[str, float]) -> None:
    seeds = 4000
    found = Counter(given_by(typed, seed) for seed in range(seeds))
    assert set(found) == set(shares)
    for text, share in shares.items():
        assert found[text] / seeds == pytest.approx(share, abs=0.04)


@given(
    st.recursive(WORD, lambda inner: st.lists(inner, min_size=2, max_size=3).map(
        lambda options: "{" + "|".join(options) + "}"
    ), max_leaves=8),
    st.integers(0, 2**32),
)  # fmt: skip
def test_what_is_chosen_is_among_what_can_be(typed: str, seed: int) -> None:
    assert given_by(typed, seed) in texts(typed)


def test_the_words_of_each_choice_are_told() -> None:
    picked = choose(read_template("1girl, {red|red} {hat|hat}, __heavy__"), KNOWN, seed=1)
    assert picked.words[:2] == ("red", "hat")
    assert picked.text == f"1girl, red hat, {picked.words[2]}"


BOMB = {f"b{number}": (f"__b{number + 1}__ " * 20,) for number in range(7)} | {"b7": ("x",)}
DEEP = {f"d{number}": (f"__d{number + 1}__",) for number in range(20)} | {"d20": ("x",)}


@pytest.mark.parametrize(
    ("typed", "lists", "key"),
    [
        ("__colours__", LISTS, "wildcard_similar"),
        ("__zzzzzzzz__", LISTS, "wildcard_unknown"),
        ("{a|__zzzzzzzz__}", LISTS, "wildcard_unknown"),
        ("__a__", {"a": ("x", "y __a__")}, "wildcard_loop"),
        ("__a__", {"a": ("__b__",), "b": ("{x|__c__}",), "c": ("__a__",)}, "wildcard_loop"),
        ("__b0__", BOMB, "choices_"),
        ("__d0__", DEEP, "choices_deep"),
        ("{a|" * 9 + "b" + "}" * 9, LISTS, "choices_deep"),
        ("{a|" * 1000 + "}" * 1000, LISTS, "choices_deep"),
        ("__wide__ " * 400, LISTS, "choices_"),
        ("{" + "a" * 3990 + "|b}{" + "c" * 30 + "|d}", LISTS, "choices_long"),
    ],
)
def test_what_can_not_be_chosen_from(
    typed: str, lists: dict[str, tuple[str, ...]], key: str
) -> None:
    with pytest.raises(InputError) as raised:
        read_choices(GenerationRequest(prompt=typed), lists)
    assert raised.value.key.startswith(key)


@pytest.mark.parametrize(
    "typed",
    ["{" * 4000, "/*" * 2000, "{/* */" * 660, "{" + "/* */" * 790 + "|}",
      "{a|" * 1333, "{}" * 2000, "{|}" * 1333, "|" * 4000, "__" * 2000, "{1$$" * 1000,
     "{1::" * 1000 + "|}", "__a" * 1300, "\\" * 4000, "{2$$" + "a|" * 1990 + "}",
     "{9$$" + "a|" * 300 + "}", "{30$$$$" + "a|aa|" * 60 + "}"],
)  # fmt: skip
def test_hostile_text_takes_little_time(typed: str) -> None:
    began = time.process_time()
    try:
        choices = read_choices(GenerationRequest(prompt=typed), LISTS)
    except InputError:
        choices = None
    if choices is not None:
        choices.chosen(1)
        choices.possible(32)
    assert time.process_time() - began < 5  # a tenth of a second on an idle machine


def test_lists_that_name_lists_are_looked_at_once() -> None:
    """Of 300 entries, each of which names a list of 300 entries: 300 ** 6 ways to one text."""
    lists = {
        f"l{depth}": tuple(f"{weight}::__l{depth + 1}__" for weight in range(1, 301))
        for depth in range(6)
    } | {"l6": ("sky",)}
    template, known = read_template("1girl, __l0__"), ChoiceLists(lists)
    check(template, known, longest=4000)
    assert possible_tags(template, known) == [["1girl"], ["sky"]]


def test_a_million_outcomes_are_not_made_to_be_counted() -> None:
    """Two of three texts, each of which can be 2,048."""
    many = "{a|b}" * 11
    tracemalloc.start()
    try:
        assert (
            possible_texts(read_template("{2$$" + f"{many}|{many}|x" + "}"), KNOWN, most=3000)
            is None
        )
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most_bytes < 20e6


def test_what_joins_options_may_open_a_bracket() -> None:
    template = read_template("{2$$ ( $$a|b}, c), d")
    assert possible_tags(template, KNOWN) == [["a ( b, c), d", "b ( a, c), d"]]


def test_a_million_outcomes_are_not_listed() -> None:
    assert possible_texts(read_template("{a|b}" * 20), KNOWN, most=32) is None
    assert possible_texts(read_template("{3$$, $$__wide__}"), KNOWN, most=32) is None


def test_the_tags_of_many_outcomes() -> None:
    template = read_template("1girl, {red|blue} {hat|bow}, (a, {b|c}:1.2), {x|}")
    assert possible_tags(template, KNOWN) == [
        ["1girl"],
        ["red hat", "red bow", "blue hat", "blue bow"],
        ["(a, b:1.2)", "(a, c:1.2)"],
        ["x", ""],
    ]


def test_a_lora_is_no_choice() -> None:
    with pytest.raises(InputError, match="choices_lora"):
        check_loras(GenerationRequest(prompt="{<lora:ink:1>|smile}"))
    check_loras(GenerationRequest(prompt="<lora:ink:1> {hat|smile}"))


def test_how_older_versions_drew_choices() -> None:
    typed = GenerationRequest(prompt="{2::red|blue} {2$$a|b|c}, __pose__, {smile}, {x{y|z}|w}")
    assert with_first(typed).prompt == "red a, b, , {smile}, xy"
    plain = GenerationRequest(prompt="1girl, {smile}", negative_prompt="hat")
    assert with_first(plain) == plain

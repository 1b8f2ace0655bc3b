"""Schedules of prompts: the cases that A1111 documents, and what its parser gives for others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.card import MAX_STEPS
from pipeline.prompt.schedule import Span, all_words, changes, schedule, texts_by_step
from pipeline.prompt.weights import plain_tags

STEPS = 10


def alternating(*texts: str) -> list[tuple[int, str]]:
    return [(step, texts[(step - 1) % len(texts)]) for step in range(1, STEPS + 1)]


DOCUMENTED = [
    ("test", [(10, "test")]),
    ("a [b:3]", [(3, "a "), (10, "a b")]),
    ("a [b: 3]", [(3, "a "), (10, "a b")]),
    ("a [[[b]]:2]", [(2, "a "), (10, "a [[b]]")]),
    ("[(a:2):3]", [(3, ""), (10, "(a:2)")]),
    ("a [b : c : 1] d", [(1, "a b  d"), (10, "a  c  d")]),
    ("a[b:[c:d:2]:1]e", [(1, "abe"), (2, "ace"), (10, "ade")]),
    ("a [unbalanced", [(10, "a [unbalanced")]),
    ("a [b:.5] c", [(5, "a  c"), (10, "a b c")]),
    ("a [{b|d{:.5] c", [(5, "a  c"), (10, "a {b|d{ c")]),
    ("((a][:b:c [d:3]", [(3, "((a][:b:c "), (10, "((a][:b:c d")]),
    ("[a|(b:1.1)]", alternating("a", "(b:1.1)")),
    ("[fe|]male", alternating("female", "male")),
    ("[fe|||]male", alternating("female", "male", "male", "male")),
]
"""From the documentation of `get_learned_conditioning_prompt_schedules`, 10 steps."""

MEASURED = [
    ("[a:b:-2]", [(10, "b")]),
    ("[a:b:0]", [(10, "b")]),
    ("[a:b:40]", [(10, "a")]),
    ("[a:b:1.0]", [(10, "a")]),
    ("[b:1.5]", [(10, "")]),
    ("[a:3:5]", [(5, "a"), (10, "3")]),
    ("[a::4] b", [(4, "a b"), (10, " b")]),
    ("[:3]", [(3, ""), (10, "")]),
    ("[::3]x", [(3, "x"), (10, "x")]),
    ("[|]", alternating("", "")),
    ("[a:[b:c:7]:5]", [(5, "a"), (7, "b"), (10, "c")]),
    ("[a:[b:c:2]:5]", [(2, "a"), (5, "a"), (10, "c")]),
    ("[[a|b]:c:3]", [(1, "a"), (2, "b"), (3, "a"), *[(step, "c") for step in range(4, 11)]]),
    ("[[a:b:.5]|c]", [(n, "c" if n % 2 == 0 else "a" if n <= 5 else "b") for n in range(1, 11)]),
    ("(x [a:b:.25]:1.3)", [(2, "(x a:1.3)"), (10, "(x b:1.3)")]),
    ("[x [a:b:5]]", [(5, "[x a]"), (10, "[x b]")]),
    (r"\[a:b:5\]", [(10, r"\[a:b:5\]")]),
    (r"[a\:b:c:5]", [(5, r"a\:b"), (10, "c")]),
    ("[a:b:c:5]", [(10, "[a:b:c:5]")]),
    ("[a:b:x]", [(10, "[a:b:x]")]),
    ("[a:b:.99]", [(9, "a"), (10, "b")]),
    ("[a, b:c, d:5], e", [(5, "a, b, e"), (10, "c, d, e")]),
    ("[a:5][b:3]", [(3, ""), (5, "b"), (10, "ab")]),
    (")[a:3]", [(3, ")"), (10, ")a")]),
]
"""From A1111's grammar, run in lark."""


@pytest.mark.parametrize(("prompt", "spans"), [*DOCUMENTED, *MEASURED], ids=str)
def test_the_schedule_is_a1111s(prompt: str, spans: list[tuple[int, str]]) -> None:
    assert [*schedule(prompt, STEPS)] == [Span(*each) for each in spans]


@pytest.mark.parametrize(
    ("prompt", "spans"),
    [
        ("a [b:.5] c", [(10, "a b c")]),
        ("a [b:1.5] c", [(5, "a  c"), (10, "a b c")]),
        ("a [b:12] c", [(2, "a  c"), (10, "a b c")]),
    ],
)
def test_a_second_pass_goes_on_where_the_first_ended(
    prompt: str, spans: list[tuple[int, str]]
) -> None:
    assert [*schedule(prompt, STEPS, second_pass=True)] == [Span(*each) for each in spans]


def test_the_picture_of_a1111s_documentation() -> None:
    prompt = (
        "fantasy landscape with a [mountain:lake:0.25] and [an oak:a christmas tree:0.75]"
        "[ in foreground::0.6][ in background:0.25] [shoddy:masterful:0.5]"
    )
    begin = "fantasy landscape with a"
    assert [*schedule(prompt, 100)] == [
        (25, f"{begin} mountain and an oak in foreground shoddy"),
        (50, f"{begin} lake and an oak in foreground in background shoddy"),
        (60, f"{begin} lake and an oak in foreground in background masterful"),
        (75, f"{begin} lake and an oak in background masterful"),
        (100, f"{begin} lake and a christmas tree in background masterful"),
    ]


def test_every_step_has_a_text() -> None:
    assert texts_by_step("[a:b:.5]", 5) == ("a", "a", "b", "b", "b")
    assert texts_by_step("[a|b]", 3) == ("a", "b", "a")
    assert texts_by_step("a", 3) == ("a", "a", "a")


@pytest.mark.parametrize(
    ("prompt", "tags"),
    [
        ("1girl, cat [sits:runs:5] on mat", ["1girl", "cat sits on mat", "cat runs on mat"]),
        ("[fe|]male, hat", ["female", "male", "hat"]),
        ("(a [b:c:.5]:1.2), d", ["a b", "a c", "d"]),
        ("[a, b:c:0.5]", ["a", "b", "c"]),
        ("[[a|b]:c:0.5]", ["a", "b", "c"]),
        ("[abstract], (x:1.2)", ["abstract", "x"]),
    ],
)
def test_the_tags_are_those_of_every_step(prompt: str, tags: list[str]) -> None:
    assert plain_tags(prompt) == tags


@given(st.text("ab[](): |,.12\\", max_size=40), st.integers(1, MAX_STEPS))
def test_any_text_has_a_schedule(prompt: str, steps: int) -> None:
    spans = schedule(prompt, steps)
    assert [each.end for each in spans] == sorted({each.end for each in spans})
    assert spans[-1].end == steps
    assert len(texts_by_step(prompt, steps)) == steps
    assert changes(prompt) or spans == ((steps, prompt),)
    words = all_words(prompt)
    assert changes(prompt) or words == prompt


def test_brackets_may_be_as_deep_as_a_prompt_is_long() -> None:
    deep = "[" * 1000 + "a" + ":2]" * 1000
    assert texts_by_step(deep, 3) == ("", "", "a")
    assert not changes("[" * 4000)
    assert not changes("[(" * 1000 + "])" * 1000)

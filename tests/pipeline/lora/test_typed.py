"""LoRAs as people type them, in the option and in a prompt."""

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.loras.names import check_name, key_of
from data.shipped.text import keys
from pipeline.errors import InputError
from pipeline.lora.typed import (
    MAX_TYPED,
    TypedLora,
    cut_loras,
    lora_named_in,
    lora_tags,
    loras_text,
    parse_loras,
)
from pipeline.lora.use import LoraUse
from pipeline.metadata.parameters import Parameters
from pipeline.prompt.clean import clean_prompt
from pipeline.prompt.flags_line import request_of


def _is_name(text: str) -> bool:
    """Whether a LoRA of the library can have this name."""
    try:
        return check_name(text) == text
    except InputError:
        return False


def _refusal(read: Callable[[str], object], text: str) -> str:
    try:
        read(text)
    except InputError as error:
        return error.key
    return ""


def _cut_all(prompt: str) -> object:
    return cut_loras(prompt, lambda _: True)


# No separators of lists, which a name in the option can't have.
NAMES = st.text(min_size=1, max_size=50).filter(
    lambda text: _is_name(text) and not set(text) & set(",\uff0c\u3001:\uff1a\n")
)
IN_TAGS = NAMES.filter(
    lambda text: not set(text) & set("\u300a\u3008\u2039\u00ab\u300b\u3009\u203a\u00bb")
)
STRENGTHS = st.floats(-2, 2).map(lambda value: round(value, 4) + 0.0)
USES = st.lists(st.builds(LoraUse, name=NAMES, strength=STRENGTHS), max_size=3)


@given(USES)
def test_what_is_written_is_read_back(uses: list[LoraUse]) -> None:
    assert parse_loras(loras_text(uses)) == tuple(TypedLora(u.name, u.strength) for u in uses)


@given(st.lists(st.builds(LoraUse, name=IN_TAGS, strength=STRENGTHS), min_size=1, max_size=3))
def test_tags_are_cut_wherever_they_stand(uses: list[LoraUse]) -> None:
    prompt = f"1girl, {lora_tags(uses[:1])}, smile {lora_tags(uses[1:])}"
    cut = cut_loras(prompt, lambda _: True)
    assert cut.text == "1girl, smile"
    assert cut.loras == tuple(TypedLora(u.name, u.strength) for u in uses)


@given(
    st.text(max_size=60), st.text(alphabet="<>:, lora0.8-\uff1a\uff1c\uff1e\u3001n=", max_size=40)
)
def test_anything_is_read_or_refused_with_a_text(one: str, other: str) -> None:
    for text in (one, other, f"<lora:{other}>", one + other):
        for key in (_refusal(parse_loras, text), _refusal(_cut_all, text)):
            assert not key or f"errors.{key}" in keys()


@given(st.text(max_size=200))
def test_a_prompt_without_known_names_stays_as_it_is(prompt: str) -> None:
    assert cut_loras(prompt, lambda _: False) == (prompt, ())


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("", []),
        (" , ,", []),
        ("ink", [("ink", None)]),
        ("ink:", [("ink", None)]),
        ("ink:0.8", [("ink", 0.8)]),
        ("ink : .8 ,other:-1", [("ink", 0.8), ("other", -1)]),
        ("ink：０．８、other", [("ink", 0.8), ("other", None)]),
        ("墨絵 風:1\nink", [("墨絵 風", 1), ("ink", None)]),
        ("ink:0.5:0.8", [("ink", 0.8)]),
        ("ink:te=0.5:unet=0.8", [("ink", 0.8)]),
        ("ink:0.5:dyn=64", [("ink", 0.5)]),
        ("ink:0.5:IN01", [("ink", 0.5)]),
        ("../../etc/passwd:1", [("../../etc/passwd", 1)]),
        ("C", [("C", None)]),
    ],
)
def test_the_option_is_read(typed: str, read: list[tuple[str, float | None]]) -> None:
    assert parse_loras(typed) == tuple(TypedLora(*each) for each in read)


@pytest.mark.parametrize(
    ("typed", "key", "shown"),
    [
        ("ink:0,8", "lora_strength_typed", "0,8"),
        ("ink:0,8, other", "lora_strength_typed", "0,8"),
        ("other, ink：0，8", "lora_strength_typed", "0，8"),
        ("ink:9", "lora_strength_typed", "9"),
        ("ink:-2.1", "lora_strength_typed", "-2.1"),
        ("ink:nan", "lora_strength_typed", "nan"),
        ("ink:inf", "lora_strength_typed", "inf"),
        ("ink:1e-3", "lora_strength_typed", "1e-3"),
        ("ink:`0`", "lora_strength_typed", "'0'"),
        (":0.8", "lora_nameless", ":0.8"),
        ("ink," * MAX_TYPED, "loras_too_long", ""),
    ],
)
def test_what_can_not_be_used_is_named(typed: str, key: str, shown: str) -> None:
    with pytest.raises(InputError) as error:
        parse_loras(typed)
    assert error.value.key == key
    assert f"errors.{key}" in keys()
    assert shown in error.value.data.values() or not shown


@pytest.mark.parametrize(
    ("prompt", "text", "names"),
    [
        ("<lora:ink:0.8>", "", ["ink"]),
        ("<lora:ink>1girl", "1girl", ["ink"]),
        ("1girl <LORA:INK:1> smile", "1girl smile", ["INK"]),
        ("1girl, <lora:ink:1>, <lyco:ink:1>, smile", "1girl, smile", ["ink", "ink"]),
        ("1girl,＜lora：ink：０．８＞、smile", "1girl,、smile", ["ink"]),
        ("(hat, <lora:ink:1>:1.2)", "(hat,:1.2)", ["ink"]),
        ("1girl, <lora:unknown:1>, <lora:ink:1>", "1girl, <lora:unknown:1>", ["ink"]),
        ("1girl, <lora:ink:1", "1girl, <lora:ink:1", []),
        ("lora:ink:1", "lora:ink:1", []),
        ("<lora::1>", "<lora::1>", []),
        ("<lora:a<lora:ink:1>>", "<lora:a>", ["ink"]),
    ],
)
def test_tags_of_known_names_leave_the_prompt(prompt: str, text: str, names: list[str]) -> None:
    cut = cut_loras(prompt, lambda name: key_of(name) == "ink")
    assert cut.text == text
    assert [each.name for each in cut.loras] == names


@pytest.mark.parametrize("strength", ["0,8", "9", "nan", "much", "--1"])
def test_a_strength_in_a_prompt_is_checked_too(strength: str) -> None:
    with pytest.raises(InputError, match="lora_strength_typed"):
        cut_loras(f"1girl <lora:ink:{strength}>", lambda _: True)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("<lora:ink:0.8>", "ink"),
        ("<lora:my ink", "my ink"),
        ("lyco：墨:1", "墨"),
        ("<hypernet:x:1>", ""),
        ("lora", ""),
    ],
)
def test_the_name_in_a_damaged_one_is_found(typed: str, name: str) -> None:
    assert lora_named_in(typed) == name


@pytest.mark.parametrize("part", ["<lora:", " ", "<", "ink:", "lora:", ", ", "<lora:x", "1,1"])
def test_long_input_is_read_at_once(part: str) -> None:
    text = part * (60_000 // len(part))
    began = time.process_time()
    cut_loras(text, lambda _: True)
    cut_loras(clean_prompt(text[:6000]) + "<lora:ink:1>", lambda _: True)
    lora_named_in(text)
    assert time.process_time() - began < 2


def test_the_smallest_strength_is_written_as_it_is_read() -> None:
    use = LoraUse(name="ink", strength=0.00001)
    assert parse_loras(loras_text([use])) == (TypedLora("ink", 0.00001),)
    assert cut_loras(lora_tags([use]), lambda _: True).loras == (TypedLora("ink", 0.00001),)


def test_the_option_reads_what_a_prompt_may_have() -> None:
    found = parse_loras("<lora:ink:0.5:lbw=1,0,0>, other:1 <lora:a b>")
    assert found == (TypedLora("ink", 0.5), TypedLora("a b"), TypedLora("other", 1.0))


def test_a_missing_comma_does_not_swallow_a_name() -> None:
    with pytest.raises(InputError, match="lora_strength_typed") as error:
        parse_loras("ink:0.5 other:1")
    assert error.value.data["value"] == "0.5 other"


def test_a_tag_may_be_full_width_throughout() -> None:
    wide = "\uff1c\uff4c\uff4f\uff52\uff41\uff1aink\uff1a\uff10\uff0e\uff18\uff1e"
    found = cut_loras(f"1girl {wide} hat", lambda name: name == "ink")
    assert found == ("1girl hat", (TypedLora("ink", 0.8),))


def test_a_strangers_smallest_strength_is_written_as_it_is_read() -> None:
    found = Parameters(prompt="1girl", loras=(TypedLora("ink", 0.00001),))
    assert request_of(found, lora_of=lambda name: name).lora == "ink:0.00001"

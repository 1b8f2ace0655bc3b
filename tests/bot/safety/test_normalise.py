"""Normalisation: one spelling for every way to write the same letters."""

import string
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.safety.lookalikes import LOOKALIKES
from bot.safety.normalise import normalise
from bot.safety.readings import readings


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("ＡＢＣ１２３", "abc123"),
        ("Ärger, café", "arger, cafe"),
        ("𝕙𝕖𝕝𝕝𝕠", "hello"),
        ("ⓗⓔⓛⓛⓞ", "hello"),
        ("🅷🅴🅻🅻🅾", "hello"),
        ("🇭🇪🇱🇱🇴", "hello"),
        ("ʜᴇʟʟᴏ", "hello"),
        ("ħɇłłø", "hello"),
        ("һеӏӏо", "hello"),
        ("h\u200be\u00adl\u2060l\ufeffo", "hello"),
        ("h\u0335e\u0336llo\u20dd", "hello"),
        ("ﾛﾘ", "ロリ"),
        ("１４歳", "14歳"),
        ("٣", "3"),
        ("❶⑤", "15"),
        ("a \t\u3000 b", "a b"),
        ("a\nb", "a\nb"),
        ("niña", "ninzha"),
        ("Nina", "nina"),
        ("Straße", "strasse"),
        ("\ud800x", "x"),
    ],
)
def test_examples(written: str, read: str) -> None:
    assert normalise(written) == read


@given(st.text(st.characters(exclude_categories=[])))
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


def test_every_character_by_itself_is_stable() -> None:
    unstable = [
        hex(codepoint)
        for codepoint in range(sys.maxunicode + 1)
        if unicodedata.category(chr(codepoint)) not in ("Cn", "Co")
        and normalise(once := normalise(chr(codepoint))) != once
    ]
    assert unstable == []


@given(st.text(string.ascii_lowercase + string.digits + " ,.()[]:_-"))
def test_plain_text_is_left_alone(text: str) -> None:
    assert normalise(text).split() == text.split()


def test_the_tables_touch_no_plain_character() -> None:
    assert [shape for shape in LOOKALIKES if shape.isascii()] == []
    assert [shape for shape in LOOKALIKES if len(shape) != 1] == []


@given(st.text(st.characters(exclude_categories=[]), max_size=200))
def test_readings_hold_one_class_for_each_letter(text: str) -> None:
    for reading in readings(text):
        assert len(reading.classes) == len(reading.plain)
        assert not set(reading.classes) & set("()[]{}<>\\")

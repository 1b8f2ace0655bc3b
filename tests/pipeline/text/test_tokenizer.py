"""The tokenizer equals transformers' CLIPTokenizer, the one the stock pipeline uses."""

from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ModelError
from pipeline.text.tokenizer import ClipTokenizer

TEXTS = [
    "1girl, souryuu asuka langley, neon genesis evangelion",
    "Hello World!! it's 1girl's (bad) don't WE'LL",
    "日本語 漢字かなカナ 한국어 中文",
    "😀🎉 émigré café naïve e\u0301 İstanbul ß ǅ",
    "  a   b\t\nc\u200b\u0000d\u3000e\ufffd",
    "<|endoftext|> x<|startoftext|>y <|ENDOFTEXT|>",
    "! !! a!b",
    "long_hair:1.2 #$%&& ①½ 12345 ๓",
    "1GIRL red hair PURPLE SCHOOL UNIFORM chat hat BLACK HAIRy blue eyes",
    "",
]


def _reference(folder: Path) -> Any:
    from transformers import CLIPTokenizer

    return CLIPTokenizer.from_pretrained(str(folder))  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def _ids(reference: Any, text: str) -> list[int]:
    return list(reference(text, add_special_tokens=False).input_ids)


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("model", ["tiny_path", "demo_path"])
def test_equals_transformers(
    model: str, number: Literal[1, 2], request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(model) / ("tokenizer" if number == 1 else "tokenizer_2")
    ours, reference = ClipTokenizer(folder), _reference(folder)
    for text in TEXTS:
        assert ours.encode(text) == _ids(reference, text), text
    assert ours.special.begin == reference.bos_token_id
    assert ours.special.end == reference.eos_token_id
    assert ours.pad == reference.pad_token_id


@settings(max_examples=150)
@given(text=st.text(max_size=60))
def test_equals_transformers_on_anything(text: str, tiny_path: Path) -> None:
    folder = tiny_path / "tokenizer"
    ours, reference = _pair(folder)
    assert ours.encode(text) == _ids(reference, text)


_pairs: dict[Path, tuple[ClipTokenizer, Any]] = {}


def _pair(folder: Path) -> tuple[ClipTokenizer, Any]:
    if folder not in _pairs:
        _pairs[folder] = (ClipTokenizer(folder), _reference(folder))
    return _pairs[folder]


def test_a_comma_and_known_words_are_one_token(tiny_path: Path) -> None:
    tokenizer = ClipTokenizer(tiny_path / "tokenizer")
    assert tokenizer.encode(",") == [tokenizer.special.comma]
    assert len(tokenizer.encode("masterpiece, best quality")) == 4


@pytest.mark.parametrize("damage", ["{", "[]", '{"a": 0}'])
def test_a_damaged_vocabulary_is_a_model_error(
    damage: str, tiny_path: Path, tmp_path: Path
) -> None:
    for name in ("merges.txt", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((tiny_path / "tokenizer" / name).read_bytes())
    (tmp_path / "vocab.json").write_text(damage)
    with pytest.raises(ModelError) as caught:
        ClipTokenizer(tmp_path)
    assert caught.value.key == "model_config_wrong"

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportArgumentType=false
# (the border to transformers, whose types are partly missing)
"""A CLIP tokenizer in which every known tag is one token.

Tags of one word are words of the vocabulary; tags of several are added tokens, in the spellings
that people use. Byte-pair encoding has no mark for the beginning of a word, so "chat" would end in
the token "hat": `GUARDS` are common words that end in a tag, and are tokens of their own that mean
nothing.
"""

import json
import re
from pathlib import Path
from typing import Any, Final

from training.clip_vocabulary import BEGIN, END, byte_letters, merges_of, tag_words
from training.demo.tags import TAG_NAMES

MODEL_MAX_LENGTH: Final = 77

_GUARD_TEXT: Final = """
that what chat somewhat knight midnight tonight overnight fortnight velocity electricity capacity
mushroom classroom bathroom ballroom rainforest rainbow elbow crossbow sweatshirt
undershirt raincoat overcoat petticoat cowboy tomboy playboy schoolgirl catgirl human german
superman snowman batman roman unhappy sunflower terror superstars unisex sunglasses eyeglasses
"""
GUARDS: Final = tuple(_GUARD_TEXT.split())


def build_tokenizer(folder: Path) -> tuple[Any, dict[int, str]]:
    """Make the tokenizer in `folder`; it, and the known tag that each token id stands for."""
    from transformers import CLIPTokenizer

    words = _words()
    merges = merges_of(words)
    letters = byte_letters()
    tokens = [*letters, *(f"{letter}</w>" for letter in letters)]
    tokens += dict.fromkeys("".join(pair) for pair in merges)
    tokens += [BEGIN, END]
    ids = {token: index for index, token in enumerate(tokens)}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(ids, ensure_ascii=False), encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges), ""]
    (folder / "merges.txt").write_text("\n".join(lines), encoding="utf-8")
    tokenizer: Any = CLIPTokenizer(
        str(folder / "vocab.json"),
        str(folder / "merges.txt"),
        model_max_length=MODEL_MAX_LENGTH,
        pad_token=END,
    )
    spellings = {spelling: tag for tag in TAG_NAMES if not tag.isalpha() for spelling in spelt(tag)}
    tokenizer.add_tokens(sorted(spellings, key=lambda spelling: (-len(spelling), spelling)))
    tokenizer.save_pretrained(folder)
    meanings = {ids[f"{tag}</w>"]: tag for tag in TAG_NAMES if tag.isalpha()}
    for spelling, tag in spellings.items():
        meanings[int(tokenizer.convert_tokens_to_ids(spelling))] = tag
    return tokenizer, meanings


def spelt(tag: str) -> set[str]:
    """The spellings of a tag of several words: with capitals, with underscores."""
    spaced = {tag, tag.title(), tag.capitalize(), tag.upper()}
    return spaced | {spelling.replace(" ", "_") for spelling in spaced}


def _words() -> list[str]:
    """Words that are one token each: the tags' own, then guards, then the model card's."""
    tags = [word for tag in TAG_NAMES for word in re.findall("[a-z]+", tag)]
    return list(dict.fromkeys(word for word in (*tags, *GUARDS, *tag_words()) if len(word) > 1))

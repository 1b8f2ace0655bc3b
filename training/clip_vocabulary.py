"""A small CLIP vocabulary of our own: bytes, words of our tags, the two special tokens.

Laid out as CLIP's (`vocab.json`, `merges.txt`): 256 bytes, 256 bytes that end a word, one entry a
merge, then `<|startoftext|>` and `<|endoftext|>`. So "!" is id 0 as in CLIP (what SDXL's second
tokenizer pads with), "," is one token, and the end token has the highest id (CLIP's text encoder
takes its pooled output there).
"""

import json
import re
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from pipeline.card import PRESETS, RATING_TAGS, STYLES, Aesthetic, Quality, Year

BEGIN = "<|startoftext|>"
END = "<|endoftext|>"

_COMMON = """
1girl 1boy 2girls solo looking at viewer smile open mouth closed blush long hair short black brown
blonde blue red green purple pink white silver grey eyes hat hair ribbon bow dress skirt shirt
school uniform jacket hoodie kimono sweater sleeves gloves thighhighs cat ears tail animal night sky
city street outdoors indoors beach ocean forest flower cherry blossoms rain snow sunset standing
sitting upper body full cowboy shot portrait from behind side souryuu asuka langley neon genesis
evangelion hatsune miku vocaloid frieren sousou no ganyu genshin impact interface headset bangs
twintails ponytail braid glasses holding weapon sword umbrella simple background detailed
"""


def tag_words() -> list[str]:
    """The words of the model card's tags and some common ones, in a fixed order."""
    texts = [_COMMON, *RATING_TAGS.values(), *Quality, *Year, *Aesthetic]
    for preset in PRESETS.values():
        texts += [preset.positive, preset.negative]
    for style in STYLES.values():
        texts += [style.positive, style.negative]
    words = (word for text in texts for word in re.findall(r"[a-z]+", text.lower()))
    return list(dict.fromkeys(word for word in words if len(word) > 1))


def byte_letters() -> list[str]:
    """The letter that stands for each byte in byte-level BPE (GPT-2's table), CLIP's order."""
    shown = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return [chr(byte) for byte in shown] + [chr(256 + index) for index in range(len(hidden))]


def merges_of(words: Iterable[str]) -> list[tuple[str, str]]:
    """Merges, first to last, after which each word is one token.

    A word is built from what the merges so far make of it; later merges can't undo that.
    """
    ranks: dict[tuple[str, str], int] = {}
    for word in words:
        symbols = _merged([*word[:-1], f"{word[-1]}</w>"], ranks)
        built = symbols[0]
        for symbol in symbols[1:]:
            ranks.setdefault((built, symbol), len(ranks))
            built += symbol
    return list(ranks)


def _merged(symbols: list[str], ranks: dict[tuple[str, str], int]) -> list[str]:
    """`symbols` after byte-pair encoding: the merge of the lowest rank first, until none fits."""
    while True:
        found = [(ranks[pair], at) for at, pair in enumerate(pairwise(symbols)) if pair in ranks]
        if not found:
            return symbols
        _, at = min(found)
        symbols = [*symbols[:at], symbols[at] + symbols[at + 1], *symbols[at + 2 :]]


def write_vocabulary(folder: Path) -> int:
    """Write `vocab.json` and `merges.txt` into `folder`; the number of tokens."""
    merges = merges_of(tag_words())
    letters = byte_letters()
    tokens = [*letters, *(f"{letter}</w>" for letter in letters)]
    tokens += dict.fromkeys("".join(pair) for pair in merges)
    tokens += [BEGIN, END]
    ids = {token: index for index, token in enumerate(tokens)}
    assert len(ids) == len(tokens)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(ids, ensure_ascii=False), encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges), ""]
    (folder / "merges.txt").write_text("\n".join(lines), encoding="utf-8")
    return len(tokens)

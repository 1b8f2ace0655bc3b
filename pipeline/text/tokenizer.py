# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false
# tokenizers is untyped
"""CLIP's tokenizer without transformers: equal to its `CLIPTokenizer` (the slow one, which the
pipeline's `model_index.json` names) where ftfy is not installed, as here.

Three stages, as there: added tokens are cut out of the raw text; what is left is cleaned as BERT's
`BasicTokenizer` does (controls dropped, CJK signs set apart, NFC, lower case); then byte-level BPE.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tokenizers import Regex, Tokenizer, pre_tokenizers
from tokenizers.models import BPE

from pipeline.errors import ModelError
from pipeline.model.configs import Json, read_json
from pipeline.prompt.chunks import SpecialTokens

_BARE: Final = ("<|startoftext|>", "<|endoftext|>")
"""CLIP's split recognises these two in any case, besides their being added tokens."""

_WORD: Final = (
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
)
"""CLIP's split into words (openai/CLIP, simple_tokenizer.py), for lower-case text."""

_SPLIT: Final = pre_tokenizers.Split(Regex(_WORD), behavior="removed", invert=True)
_END_OF_WORD: Final = "</w>"
_MERGES_READ: Final = 49152 - 256 - 2 + 1  # CLIP reads so many lines of merges.txt, header included

_CJK: Final = (
    (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F),
)  # fmt: skip
"""Ideographs, which BERT treats as words; kana are not among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedToken:
    """A token that is cut out of the text as it is typed (case counts)."""

    content: str
    id: int
    lstrip: bool = False
    rstrip: bool = False
    single_word: bool = False


class ClipTokenizer:
    """Text to token ids. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        """Read `vocab.json`, `merges.txt` and added tokens of `folder`; ModelError if invalid."""
        self._vocabulary = vocabulary = _vocabulary(folder)
        special = _special_tokens(folder)
        self._added = _added_tokens(folder, vocabulary, special)
        longest_first = sorted(self._added, key=len, reverse=True)
        self._cut = re.compile("(" + "|".join(re.escape(name) for name in longest_first) + ")")
        self._bpe = _bpe(folder, vocabulary, unknown=special["unk_token"])
        self.special = SpecialTokens(
            begin=self._added[special["bos_token"]].id,
            end=self._added[special["eos_token"]].id,
            comma=vocabulary.get(f",{_END_OF_WORD}"),
        )
        self.pad = self._added[special["pad_token"]].id

    def encode(self, text: str) -> list[int]:
        """Ids of `text`, without begin and end tokens, not cut at any length."""
        ids: list[int] = []
        for piece in self._pieces(text):
            if isinstance(piece, AddedToken):
                ids.append(piece.id)
            else:
                ids.extend(self._encode_words(" ".join(_clean(piece))))
        return ids

    def _encode_words(self, words: str) -> list[int]:
        if "<|" not in words:
            return self._bpe.encode(words, add_special_tokens=False).ids
        ids: list[int] = []
        for word, _ in _SPLIT.pre_tokenize_str(words):
            if word in _BARE:
                ids.append(self._vocabulary[word])
            else:
                ids.extend(self._bpe.encode(word, add_special_tokens=False).ids)
        return ids

    def _pieces(self, text: str) -> Iterator[str | AddedToken]:
        """The text between added tokens, and the tokens: `lstrip` and `rstrip` remove adjacent
        spaces, `single_word` ones inside a word belong to it.
        """
        parts = self._cut.split(text)
        for index in range(1, len(parts), 2):
            token = self._added[parts[index]]
            left, right = parts[index - 1], parts[index + 1]
            if token.rstrip:
                parts[index + 1] = right.lstrip()
            if token.lstrip:
                parts[index - 1] = left.rstrip()
            if token.single_word and left and left[-1] != " ":
                parts[index - 1], parts[index] = left + token.content, ""
            elif token.single_word and right and right[0] != " ":
                parts[index + 1], parts[index] = token.content + right, ""
        for index, part in enumerate(parts):
            if part:
                yield self._added[part] if index % 2 else part


def _vocabulary(folder: Path) -> dict[str, int]:
    entries = read_json(folder / "vocab.json")
    return {token: index for token, index in entries.items() if isinstance(index, int)}


def _bpe(folder: Path, vocabulary: dict[str, int], *, unknown: str) -> Tokenizer:
    try:
        lines = (folder / "merges.txt").read_text(encoding="utf-8").strip().split("\n")
        merges = [tuple(line.split()) for line in lines[1:_MERGES_READ]]
        pairs = [(pair[0], pair[1]) for pair in merges]
        model = BPE(
            vocab=vocabulary,
            merges=pairs,
            unk_token=unknown,
            continuing_subword_prefix="",
            end_of_word_suffix=_END_OF_WORD,
            fuse_unk=False,
        )
    except (OSError, IndexError, ValueError) as error:
        raise ModelError(
            "model_config_wrong", name=f"{folder.name}/merges.txt", problem=str(error)
        ) from error
    except Exception as error:  # tokenizers raises plain Exception for a merge it can't place
        raise ModelError(
            "model_config_wrong", name=f"{folder.name}/vocab.json", problem=str(error)
        ) from error
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            _SPLIT,
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return tokenizer


def _special_tokens(folder: Path) -> dict[str, str]:
    """The texts of begin, end, unknown and padding token."""
    found = {
        "bos_token": "<|startoftext|>",
        "eos_token": "<|endoftext|>",
        "unk_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>",
    }
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        if (folder / name).is_file():
            config = read_json(folder / name)
            for key in found:
                content = _content(config.get(key))
                if content is not None:
                    found[key] = content
    return found


def _content(value: object) -> str | None:
    if isinstance(value, dict):
        value = value.get("content")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # JSON
    return value if isinstance(value, str) else None


def _added_tokens(
    folder: Path, vocabulary: Mapping[str, int], special: Mapping[str, str]
) -> dict[str, AddedToken]:
    found: dict[str, AddedToken] = {}
    if (folder / "added_tokens.json").is_file():
        for content, index in read_json(folder / "added_tokens.json").items():
            if isinstance(index, int):
                found[content] = AddedToken(content=content, id=index)
    if (folder / "tokenizer_config.json").is_file():
        declared = read_json(folder / "tokenizer_config.json").get("added_tokens_decoder")
        if isinstance(declared, dict):
            for index, entry in declared.items():  # pyright: ignore[reportUnknownVariableType]  # JSON
                try:
                    token = _declared(int(str(index)), entry)  # pyright: ignore[reportUnknownArgumentType]  # JSON
                except (ValueError, TypeError, KeyError) as error:
                    name = f"{folder.name}/tokenizer_config.json"
                    raise ModelError(
                        "model_config_wrong", name=name, problem=f"added token {index}"
                    ) from error
                found[token.content] = token
    for content in special.values():
        if content not in found:
            if content not in vocabulary:
                raise ModelError("model_config_wrong", name="vocab.json", problem=content)
            found[content] = AddedToken(content=content, id=vocabulary[content])
    return found


def _declared(index: int, entry: Json) -> AddedToken:
    return AddedToken(
        content=str(entry["content"]),
        id=index,
        lstrip=bool(entry.get("lstrip")),
        rstrip=bool(entry.get("rstrip")),
        single_word=bool(entry.get("single_word")),
    )


def _clean(text: str) -> list[str]:
    """The words of `text`, as BERT's basic tokenizer leaves them (accents and punctuation stay)."""
    letters: list[str] = []
    for letter in text:
        category = unicodedata.category(letter)
        if letter in " \t\n\r" or category == "Zs":
            letters.append(" ")
        elif letter == "\ufffd" or category.startswith("C"):
            continue
        elif any(low <= ord(letter) <= high for low, high in _CJK):
            letters.append(f" {letter} ")
        else:
            letters.append(letter)
    return unicodedata.normalize("NFC", "".join(letters)).lower().split()

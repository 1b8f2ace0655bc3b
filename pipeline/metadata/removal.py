"""Removes file names of LoRAs and embeddings from a prompt, which a model would read as words."""

import re
from collections.abc import Iterable
from typing import Final

_MAX_ROUNDS: Final = 8  # brackets around brackets that became empty
_GONE: Final = "\0"
_NETWORK = re.compile(r"<(?:lora|lyco|hypernet):([^<>:\n]{1,200})(?::[^<>\n]{0,200})?>")
_EMBEDDING = re.compile(r"\bembedding:([^\s,()\[\]{}:<>|]{1,200})", re.IGNORECASE)
_TIDY = tuple(
    (re.compile(pattern), to)
    for pattern, to in (
        (r"(?<=[(\[{])[ ,]*+\0[ ,]*+(?=[^)\]}:\s])", ""),  # (x, hat:1.2): the weight stays
        (r"\s?,\s?\0(?=\s?:)", ""),  # (hat, x:1.2)
        (r"\0\s?:\s?-?\d[\d.]{0,8}", _GONE),
        (r"\s?,\s?\0(?=\s?[,)\]}\n]|\s?$)", ""),
        (r"\0", ""),
        (r",(?: {0,3},)+", ","),
        (r" {2,}", " "),
    )
)
_EMPTY_GROUP = re.compile(
    r"(?<!\\)(?:\([\0\s,]++(?::[\d.\s-]{0,16})?\)|\[[\0\s,]++(?::[\d.\s-]{0,16})?\]|\{[\0\s,]++\})"
)


def remove_networks(prompt: str) -> tuple[str, list[str]]:
    """`prompt` without `<lora:name:0.8>` and the like, and the names."""
    return _remove(prompt, _NETWORK)


def remove_embeddings(prompt: str) -> tuple[str, list[str]]:
    """`prompt` without `embedding:name`, ComfyUI's syntax, and the names."""
    return _remove(prompt, _EMBEDDING)


def remove_words(prompt: str, names: Iterable[str]) -> str:
    """`prompt` without these names: A1111 writes an embedding as a plain word."""
    wanted = "|".join(re.escape(name) for name in names if name.strip())
    if not wanted:
        return prompt
    found, _ = _remove(prompt, re.compile(rf"(?<![\w-])({wanted})(?![\w-])", re.IGNORECASE))
    return found


def _remove(prompt: str, pattern: re.Pattern[str]) -> tuple[str, list[str]]:
    names = [match[1] for match in pattern.finditer(prompt)]
    if not names:
        return prompt, []
    text = pattern.sub(_GONE, prompt.replace(_GONE, ""))
    for _ in range(_MAX_ROUNDS):
        emptier = _EMPTY_GROUP.sub(_GONE, text)
        if emptier == text:
            break
        text = emptier
    for tidy, to in _TIDY:
        text = tidy.sub(to, text)
    return text.strip(" ,\n"), names

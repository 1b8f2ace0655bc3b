"""JSON from strangers: bounded in size and nesting, and of any shape."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Final, cast

MAX_DEPTH: Final = 64
"""Objects and lists inside each other. ComfyUI's API graphs have 4 levels, workflows about 10."""

# An unterminated text counts as one, so that each character is visited only once.
_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_MAX_INTEGER: Final = 2**63
_WHOLE = re.compile(r"-?\d{1,20}(?:\.0{0,18})?", re.ASCII)  # ComfyUI's seeds have 64 bits
_NUMBER = re.compile(r"-?\d{1,18}(?:\.\d{0,18})?", re.ASCII)
_SIZE = re.compile(r"\(?\s?(\d{1,6})\s?[x×,*]\s?(\d{1,6})\b", re.ASCII | re.IGNORECASE)
_MAX_SIZE: Final = 60  # characters
_ENDING = re.compile(r"\.(?:safetensors|ckpt|pt|pth|bin|sft|gguf)$", re.IGNORECASE)
_MAX_PATH: Final = 500
_MAX_NAME: Final = 60
_MAX_NAMES: Final = 10


def parse_object(text: str) -> Mapping[str, object] | None:
    """The JSON object in `text`; None if there is none, or it is nested too deeply."""
    if not text.lstrip().startswith("{") or _too_deep(text):
        return None
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return as_object(found)


def _too_deep(text: str) -> bool:
    depth = 0
    for match in _BRACKETS.finditer(text):
        sign = match[0][0]
        if sign in "[{":
            depth += 1
        elif sign in "]}":
            depth -= 1
        if depth > MAX_DEPTH:
            return True
    return False


def as_object(value: object) -> Mapping[str, object] | None:
    """`value` if it is a JSON object."""
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else None


def as_list(value: object) -> list[object]:
    """`value` if it is a JSON list, otherwise an empty one."""
    return cast("list[object]", value) if isinstance(value, list) else []


def as_text(value: object) -> str:
    """`value` if it is a string, otherwise an empty one."""
    return value if isinstance(value, str) else ""


def as_integer(value: object) -> int | None:
    """`value` if it is a whole number of a sane size."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not (math.isfinite(value) and value.is_integer()):
        return None
    return int(value) if abs(value) < _MAX_INTEGER * 2 else None


def as_number(value: object) -> float | None:
    """`value` if it is a finite number of a sane size."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < _MAX_INTEGER and math.isfinite(value) else None


def parse_integer(text: str) -> int | None:
    """The whole number that `text` is; None for anything else, or one above 64 bits."""
    return as_integer(int(text.partition(".")[0])) if _WHOLE.fullmatch(text.strip()) else None


def parse_number(text: str) -> float | None:
    """The number that `text` is; None for anything else, or more than 18 digits."""
    return float(text) if _NUMBER.fullmatch(text.strip()) else None


def parse_size(text: str) -> tuple[int, int] | None:
    """Width and height from `832x1216`, `832 x 1216`, `(832, 1216)`; None for anything else."""
    match = _SIZE.match(text.strip()[:_MAX_SIZE])
    return None if match is None else (int(match[1]), int(match[2]))


def names_of(values: Iterable[object]) -> tuple[str, ...]:
    """Names of files, without folders and endings, each once; the first few."""
    texts = (as_text(value).strip() for value in values)
    bare = (_ENDING.sub("", re.split(r"[/\\]", text[-_MAX_PATH:])[-1]) for text in texts)
    return tuple(dict.fromkeys(name[:_MAX_NAME] for name in bare if name))[:_MAX_NAMES]

"""`Steps: 28, Sampler: Euler a, Model: "a, b"`: the line of settings that A1111 writes."""

import json
import re
from typing import Final

_MAX_PAIRS: Final = 120
_MAX_BRACKETS: Final = 32 * 1024  # characters looked at in brackets: Civitai lists its resources
_KEY = re.compile(r"\s{0,8}(\w[\w \-/().]{0,60}):(?!:)[^\S\n]{0,8}")
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*+"(?=\s{0,8}(?:,|$))')
_END = re.compile(r"\s{0,8}(?:,|$)")
_BRACKET = re.compile(r'"(?:\\.|[^"\\])*+"|[(\[{]|[)\]}]')


def parse_pairs(line: str) -> dict[str, str]:
    """The pairs of a line; text between them is skipped. A value may be a JSON text, or be in
    brackets with commas inside."""
    pairs: dict[str, str] = {}
    at = read = in_brackets = 0
    while at < len(line) and read < _MAX_PAIRS:
        match = _KEY.match(line, at)
        if match is None:
            at = _comma(line, at) + 1
            continue
        start = match.end()
        end = _simple_end(line, start)
        if end is None:
            end, looked = _bracket_end(line, start, _MAX_BRACKETS - in_brackets)
            in_brackets += looked
        pairs[match[1].strip()] = _unquote(line[start:end].strip())
        at = _comma(line, end) + 1
        read += 1
    return pairs


def _comma(line: str, at: int) -> int:
    found = line.find(",", at)
    return len(line) if found < 0 else found


def _simple_end(line: str, at: int) -> int | None:
    """Where a value ends; None if it starts with a bracket."""
    quoted = _QUOTED.match(line, at)
    if quoted is not None:
        return quoted.end()
    return None if line[at : at + 1] in {"(", "[", "{"} else _comma(line, at)


def _bracket_end(line: str, at: int, limit: int) -> tuple[int, int]:
    """Where a value in brackets ends, within `limit` characters, and how many were scanned. It ends
    at a comma like any other if the brackets don't enclose all of it."""
    depth = 0
    for sign in _BRACKET.finditer(line, at, at + limit):
        depth += _DEPTHS.get(sign[0], 0)
        if depth == 0:
            whole = _END.match(line, sign.end()) is not None
            return sign.end() if whole else _comma(line, at), sign.end() - at
    return _comma(line, at), limit


_DEPTHS: Final = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}


def _unquote(value: str) -> str:
    if len(value) < len('""') or not (value.startswith('"') and value.endswith('"')):
        return value
    try:
        read: object = json.loads(value)
    except ValueError:
        return value
    return read if isinstance(read, str) else value

"""`Steps: 28, Sampler: Euler a, Model: "a, b"`: the line of settings that A1111 writes."""

import json
import re
from typing import Final

_MAX_PAIRS: Final = 120
_MAX_VALUE: Final = 16 * 1024  # characters of a bracketed value: Civitai lists its resources
_KEY = re.compile(r"\s{0,8}(\w[\w \-/().]{0,60}):(?!:)[^\S\n]{0,8}")
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*+"(?=\s{0,8}(?:,|$))')
_END = re.compile(r"\s{0,8}(?:,|$)")
_BRACKET = re.compile(r'"(?:\\.|[^"\\])*+"|[(\[{]|[)\]}]')


def parse_pairs(line: str) -> dict[str, str]:
    """The pairs of a line; what is between them is skipped. A value may be a JSON text, or stand in
    brackets with commas inside."""
    pairs: dict[str, str] = {}
    at = 0
    while at < len(line) and len(pairs) < _MAX_PAIRS:
        match = _KEY.match(line, at)
        if match is None:
            at = _comma(line, at) + 1
            continue
        end = _value_end(line, match.end())
        pairs[match[1].strip()] = _unquote(line[match.end() : end].strip())
        at = _comma(line, end) + 1
    return pairs


def _comma(line: str, at: int) -> int:
    found = line.find(",", at)
    return len(line) if found < 0 else found


def _value_end(line: str, at: int) -> int:
    quoted = _QUOTED.match(line, at)
    if quoted is not None:
        return quoted.end()
    if line[at : at + 1] in {"(", "[", "{"}:
        depth = 0
        for sign in _BRACKET.finditer(line, at, at + _MAX_VALUE):
            depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(sign[0], 0)
            if depth == 0:
                return sign.end() if _END.match(line, sign.end()) else _comma(line, at)
    return _comma(line, at)


def _unquote(value: str) -> str:
    if len(value) < len('""') or not (value.startswith('"') and value.endswith('"')):
        return value
    try:
        read: object = json.loads(value)
    except ValueError:
        return value
    return read if isinstance(read, str) else value

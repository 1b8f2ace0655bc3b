"""Syntax of other programs for what a prompt can't do here.

It is removed, or read as the nearest equivalent, and reported, so that the model never gets it as
words.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from pipeline.hints import HintKind, Hints
from pipeline.prompt.placeholders import PART, Placeholders

_NETWORKS: Final[Mapping[str, HintKind]] = {
    **dict.fromkeys(("lora", "lyco", "locon", "loha", "lokr", "dora"), HintKind.LORA),
    **dict.fromkeys(("hypernet", "hypernetwork"), HintKind.HYPERNET),
    **dict.fromkeys(("ti", "embedding", "embed"), HintKind.EMBEDDING),
    **dict.fromkeys(("wildcard", "wc", "random"), HintKind.WILDCARD),
}
_NETWORK_NAMES: Final = "|".join(_NETWORKS)
_EMBEDDING_FILES: Final = (
    r"easynegative(?:v2)?|bad[-_]?hands?[-_]?v?[45]|bad_prompt(?:_version2)?(?:-neg)?"
    r"|verybadimagenegative(?:_v[\d.]+(?:-\d+)?)?|(?:ng_)?deepnegative(?:_v\w+)?"
    r"|bad[-_]artist(?:-anime)?|bad-image-v2(?:-\d+)?|unaestheticxl\w*|negativexl\w*"
    r"|fastnegative(?:v2|embedding)?|ac_neg\d|aissist(?:xl)?v?\w*-neg|zpdxl\w*"
)
_COMMANDS: Final = "imagine|dream|draw|generate|txt2img|prompt"
_LABELS: Final = r"(?:positive\s?)?prompts?|ポジティブプロンプト|プロンプト"
_REGIONS: Final = (
    "ADDCOL|ADDROW|ADDCOMM|ADDBASE|ADDP|COUPLE|FEATHER|IMASK|MASK|AREA|MASK_SIZE|MASKW|FILL"
)
_FUNCTIONS: Final = "SHIFT|SHUFFLE|STYLE|NOISE|SDXL|TE|TE_WEIGHT|TE_FILTER|ATTN|DEF|LLLITE|OLDBREAK"
_ARGUMENTS: Final = r"\((?:[^()]++|\([^()]*+\))*+\)"
_INSIDE: Final = r"[^,()\[\]{}|<>]{0,100}?"  # of a wildcard: no name is longer
_NUMBER: Final = r"[+-]?(?:\d++(?:\.\d*+)?|\.\d++)"

_OWN_WEIGHT: Final = rf"(?::{_NUMBER}(?=\s{{0,9}}(?:,|\Z)))?"  # one without brackets
_WILDCARD: Final = rf"(?<![\w/])(?:\d+(?:-\d+)?\$\$)?__(?=[^\s_]){_INSIDE}[^\s_]__(?!\w)"

_LEFT_OUT: Final[tuple[tuple[HintKind, str], ...]] = (
    (HintKind.UNKNOWN, rf"\A\s*+(?:/(?:{_COMMANDS})\b\s*+(?:prompt\s*+:)?|(?i:{_LABELS})\s*+:)"),
    (HintKind.WILDCARD, _WILDCARD),  # before comments: `__hair/**__` holds the sign of one
    (HintKind.COMMENT, r"/\*.*?(?:\*/|\Z)"),
    (HintKind.LINK, r"\b(?:https?|ftp)://[^\s,<>]+|\bdata:image/[^\s,<>]+"),
    (HintKind.DISCORD, r"<(?:a?:\w+:\d+|[@#][!&]?\d+|t:-?\d+(?::\w)?|/[\w -]+:\d+|id:\w+)>"),
    (HintKind.UNKNOWN, r"<\|[^<>|]{1,60}\|>"),  # a tokenizer's special token
    (HintKind.UNKNOWN, r"\$\{(?:[^{}]++|\{[^{}]*+\})*+\}"),
    (HintKind.EMBEDDING, rf"(?i:\bembedding:[^\s,:()\[\]{{}}|<>]+){_OWN_WEIGHT}"),
    (HintKind.EMBEDDING, rf"(?i:(?<![\w:-])(?:{_EMBEDDING_FILES})(?![\w-])){_OWN_WEIGHT}"),
)
_TAG = re.compile(
    r"<(?P<name>[A-Za-z][\w-]*+)[^<>]{0,300}+>"
    rf"|[<《〈‹«]\s?(?P<odd>{_NETWORK_NAMES})\s?:[^<>《》〈〉‹›«»]{{1,200}}+[>》〉›»]"
    r"|</[A-Za-z][\w-]*>",
    re.IGNORECASE,
)
_NOT_CLOSED = re.compile(rf"<(?P<open>{_NETWORK_NAMES}):[^<>,]*", re.IGNORECASE)
_BARE_NETWORK = re.compile(
    r"(?<![\w<])(?P<open>lora|lyco|locon|loha|lokr|dora|hypernet):[^\s,:()\[\]{}|<>]++(?::[\d.]++)*+>?",
    re.IGNORECASE,
)
_LEFT_ALONE = re.compile(r"(?<![^\s,])(?:<+|>+|<+>+)(?![^\s,])")  # of `<<lora:x:1>>`
_MAX_NESTED: Final = 3  # elements in each other
_REGION = re.compile(rf"\b(?:{_REGIONS}){_ARGUMENTS}|\bADD(?:COL|ROW|COMM|BASE|P)\b|\bCOUPLE\b")
_CONTROL = re.compile(rf"\b(?:{_FUNCTIONS}){_ARGUMENTS}")
_SHARE: Final = r":\s{0,9}[+-]?\d{1,4}\s{0,9}"  # how much one of several prompts counts
_AND = re.compile(rf"(?:{_SHARE})?\bAND(?:_[A-Z]+)?\b|\bPROMPT_SEP\b|\bAVG\([^()]*\)")
_LAST_SHARE = re.compile(rf"{_SHARE}\Z")
_JOINED = re.compile(r"\(([^()]*)\)\.(and|blend)\(([^()]*)\)")
_SWAP = re.compile(
    r"(?:(?:\"[^\"]*\"|\([^()]*\))\.swap|(?<![^\s,()])[^\s,()]++(?<=\.swap))\(([^()]*)\)"
)
_NOVELAI = re.compile(
    rf"(?<![\w.:])([+-]?\d{{1,2}},\d{{1,2}}|{_NUMBER})::((?:(?!::).)*?)"
    rf"(?:::(?:(?![\d.])|(?={_NUMBER}::))|\Z)"
)
_NEXT_NOVELAI = re.compile(rf"(?<=[^\s:])::(?={_NUMBER}::[^\s:])")  # `1.2::a::1.3::b::`
_PARTS = re.compile(rf"(?:(?<!\s)\s+)?::\s*({_NUMBER})?")
_PLUS = re.compile(
    rf"(?<![^\s,(\[{{|\"])(\"[^\"]*\"|[\w'.-]*[^\W\d_]|{PART})(\++|-+)"
    rf"(?=\s*(?:[,)\]}}|]|\Z)|\s(?:(?<=[\w'\"][\w\"]\+\+.)|(?<=[\w'][\w]--.)|(?<={PART}(?:\+\+|--).)"
    r"|(?<=\+\+\+.)))"
)
_MIDDLE_PIPE = re.compile(r"(?:(?<!\s)\s+)?\|+\s*")

COMPEL_UP: Final = 1.1
COMPEL_DOWN: Final = 0.9
_MAX_SIGNS: Final = 20


def signs_weight(signs: str) -> str:
    """InvokeAI's `++` as a weight: each character counts."""
    step = COMPEL_UP if signs[0] == "+" else COMPEL_DOWN
    return f"{step ** min(len(signs), _MAX_SIGNS):.4g}"


def leave_out(text: str, placeholders: Placeholders, hints: Hints) -> str:
    """`text` without unsupported syntax. Called before brackets are read."""
    for kind, pattern in _LEFT_OUT:
        text = re.sub(pattern, _replaced(kind, "", placeholders, hints), text)
    for _ in range(_MAX_NESTED):
        found = _TAG.sub(lambda match: _network(match, placeholders, hints), text)
        if found == text:
            break
        text = _LEFT_ALONE.sub("", found)
    for pattern in (_NOT_CLOSED, _BARE_NETWORK):
        text = pattern.sub(lambda match: _network(match, placeholders, hints), text)
    text = _REGION.sub(_replaced(HintKind.REGION, ",", placeholders, hints), text)
    text = _CONTROL.sub(_replaced(HintKind.UNKNOWN, ",", placeholders, hints), text)
    text = _JOINED.sub(lambda match: _joined(match, placeholders, hints), text)
    text = _SWAP.sub(lambda match: _swapped(match, placeholders, hints), text)
    composed = _AND.sub(_replaced(HintKind.COMPOSED, ",", placeholders, hints), text)
    if composed != text:
        text = _LAST_SHARE.sub(_replaced(HintKind.COMPOSED, "", placeholders, hints), composed)
    return _PLUS.sub(lambda match: _emphasised(match, placeholders), text)


def read_rest(text: str, placeholders: Placeholders, hints: Hints) -> str:
    """Syntax that is left after brackets are read: `1.2::tag::`, `a::2 b`, `a | b`."""
    text = re.sub(_WILDCARD, _replaced(HintKind.WILDCARD, "", placeholders, hints), text)
    text = _NEXT_NOVELAI.sub(":: ", text)
    text = _NOVELAI.sub(lambda match: _weighted(match, placeholders, hints), text)
    text = _PARTS.sub(_replaced(HintKind.PARTS, ", ", placeholders, hints), text)
    return _MIDDLE_PIPE.sub(_replaced(HintKind.PARTS, ", ", placeholders, hints), text)


def _replaced(
    kind: HintKind, instead: str, placeholders: Placeholders, hints: Hints
) -> Callable[["re.Match[str]"], str]:
    def replaced(match: "re.Match[str]") -> str:
        if not hints.are_full:
            hints.add(kind, placeholders.typed(match[0]))
        return instead

    return replaced


def _network(match: "re.Match[str]", placeholders: Placeholders, hints: Hints) -> str:
    name = next((each for each in match.groupdict().values() if each), "").lower()
    if name == "break":
        return " BREAK "
    kind = _NETWORKS.get(name, HintKind.UNKNOWN)
    hints.add(kind, placeholders.typed(match[0]))
    return ""


def _joined(match: "re.Match[str]", placeholders: Placeholders, hints: Hints) -> str:
    hints.add(HintKind.COMPOSED, placeholders.typed(f".{match[2]}({match[3]})"))
    return match[1].replace('"', "")


def _swapped(match: "re.Match[str]", placeholders: Placeholders, hints: Hints) -> str:
    """The second is drawn in the end; the first only gives its position."""
    used = match[1].partition(",")[0].strip(" \"'")
    hints.add(HintKind.SWAP, placeholders.typed(match[0]), placeholders.typed(used))
    return used


def _emphasised(match: "re.Match[str]", placeholders: Placeholders) -> str:
    words = match[1].strip('"')
    return placeholders.put(f"({words}:{signs_weight(match[2])})", match[0])


def _weighted(match: "re.Match[str]", placeholders: Placeholders, hints: Hints) -> str:
    words = match[2].strip(" ,")
    if not words:
        return ", "
    if words.count("(") != words.count(")"):
        return match[2]
    after = ", " if match[2].rstrip().endswith(",") else ""
    made = f"({words}:{match[1].replace(',', '.')})"
    if "," in match[1]:
        hints.add(HintKind.WEIGHT_READ, placeholders.typed(match[0]), placeholders.typed(made))
    return placeholders.put(made, match[0]) + after

"""Signs and words with which other programs ask for what a prompt can't do here.

They are taken out, or read as the nearest that there is, and told of: never words for the model.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from pipeline.prompt.hints import HintKind, Hints
from pipeline.prompt.shelf import Shelf

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
_REGIONS: Final = (
    "ADDCOL|ADDROW|ADDCOMM|ADDBASE|ADDP|COUPLE|FEATHER|IMASK|MASK|AREA|MASK_SIZE|MASKW|FILL"
    "|STYLE|NOISE"
)
_INSIDE: Final = r"[^,()\[\]{}|<>]{0,100}?"  # of a wildcard: no name is longer
_NUMBER: Final = r"[+-]?(?:\d++(?:\.\d*+)?|\.\d++)"

_LEFT_OUT: Final[tuple[tuple[HintKind, str], ...]] = (
    (HintKind.COMMENT, r"/\*.*?(?:\*/|\Z)"),
    (HintKind.LINK, r"\b(?:https?|ftp)://[^\s,<>]+|\bdata:image/[^\s,<>]+"),
    (HintKind.DISCORD, r"<(?:a?:\w+:\d+|[@#][!&]?\d+|t:-?\d+(?::\w)?|/[\w -]+:\d+|id:\w+)>"),
    (HintKind.UNKNOWN, r"<\|[^<>|]{1,60}\|>"),  # a tokenizer's special token
    (HintKind.UNKNOWN, r"\$\{(?:[^{}]++|\{[^{}]*+\})*+\}"),
    (HintKind.WILDCARD, rf"(?<!\w)(?:\d+(?:-\d+)?\$\$)?__(?=[^\s_]){_INSIDE}[^\s_]__(?!\w)"),
    (HintKind.EMBEDDING, r"(?i:\bembedding:[^\s,:()\[\]{}|<>]+)"),
    (HintKind.EMBEDDING, rf"(?i:(?<![\w-])(?:{_EMBEDDING_FILES})(?![\w-]))"),
)
_TAG = re.compile(
    r"<(?P<name>[A-Za-z][\w-]*+)[^<>]{0,300}+>"
    rf"|<(?P<open>{_NETWORK_NAMES}):[^<>,]*"
    r"|</[A-Za-z][\w-]*>",
    re.IGNORECASE,
)
_REGION = re.compile(rf"\b(?:{_REGIONS})\((?:[^()]*)\)|\bADD(?:COL|ROW|COMM|BASE|P)\b|\bCOUPLE\b")
_CONTROL = re.compile(r"\bSHIFT\([^()]*\)")
_AND = re.compile(r"\bAND(?:_[A-Z]+)?\b|\bPROMPT_SEP\b|\bAVG\([^()]*\)")
_JOINED = re.compile(r"\(([^()]*)\)\.(and|blend)\(([^()]*)\)")
_SWAP = re.compile(
    r"(?:(?:\"[^\"]*\"|\([^()]*\))\.swap|(?<![^\s,()])[^\s,()]++(?<=\.swap))\(([^()]*)\)"
)
_NOVELAI = re.compile(rf"(?<![\w.:])({_NUMBER})::((?:(?!::).)*?)(?:::(?![\d.])|\Z)")
_PARTS = re.compile(rf"(?:(?<!\s)\s+)?::\s*({_NUMBER})?")
_PLUS = re.compile(r"(?<![^\s,(\[{|\"])(\"[^\"]*\"|[\w'.-]*[^\W\d_])(\++|-+)(?=\s*(?:[,)\]}|]|\Z))")
_MIDDLE_PIPE = re.compile(r"(?:(?<!\s)\s+)?\|+\s*")

COMPEL_UP: Final = 1.1
COMPEL_DOWN: Final = 0.9
_MAX_SIGNS: Final = 20


def signs_weight(signs: str) -> str:
    """InvokeAI's `++` as a weight: each sign counts."""
    step = COMPEL_UP if signs[0] == "+" else COMPEL_DOWN
    return f"{step ** min(len(signs), _MAX_SIGNS):.4g}"


def leave_out(text: str, shelf: Shelf, hints: Hints) -> str:
    """`text` without what can't be had here. Before brackets are read."""
    for kind, pattern in _LEFT_OUT:
        text = re.sub(pattern, _told(kind, "", shelf, hints), text)
    text = _TAG.sub(lambda match: _network(match, shelf, hints), text)
    text = _REGION.sub(_told(HintKind.REGION, ",", shelf, hints), text)
    text = _CONTROL.sub(_told(HintKind.UNKNOWN, ",", shelf, hints), text)
    text = _JOINED.sub(lambda match: _joined(match, shelf, hints), text)
    text = _SWAP.sub(lambda match: _swapped(match, shelf, hints), text)
    text = _AND.sub(_told(HintKind.COMPOSED, ",", shelf, hints), text)
    return _PLUS.sub(lambda match: _emphasised(match, shelf), text)


def read_rest(text: str, shelf: Shelf, hints: Hints) -> str:
    """What is left between brackets once those are read: `1.2::tag::`, `a::2 b`, `a | b`."""
    text = _NOVELAI.sub(lambda match: _weighted(match, shelf), text)
    text = _PARTS.sub(_told(HintKind.PARTS, ", ", shelf, hints), text)
    return _MIDDLE_PIPE.sub(_told(HintKind.PARTS, ", ", shelf, hints), text)


def _told(
    kind: HintKind, instead: str, shelf: Shelf, hints: Hints
) -> Callable[["re.Match[str]"], str]:
    def replaced(match: "re.Match[str]") -> str:
        if not hints.are_full:
            hints.add(kind, shelf.typed(match[0]))
        return instead

    return replaced


def _network(match: "re.Match[str]", shelf: Shelf, hints: Hints) -> str:
    name = (match["name"] or match["open"] or "").lower()
    if name == "break":
        return " BREAK "
    kind = _NETWORKS.get(name, HintKind.UNKNOWN)
    hints.add(kind, shelf.typed(match[0]))
    return ""


def _joined(match: "re.Match[str]", shelf: Shelf, hints: Hints) -> str:
    hints.add(HintKind.COMPOSED, shelf.typed(f".{match[2]}({match[3]})"))
    return match[1].replace('"', "")


def _swapped(match: "re.Match[str]", shelf: Shelf, hints: Hints) -> str:
    """What is drawn in the end is the second; the first only lends its place."""
    used = match[1].partition(",")[0].strip(" \"'")
    hints.add(HintKind.SWAP, shelf.typed(match[0]), shelf.typed(used))
    return used


def _emphasised(match: "re.Match[str]", shelf: Shelf) -> str:
    words = match[1].strip('"')
    return shelf.put(f"({words}:{signs_weight(match[2])})", match[0])


def _weighted(match: "re.Match[str]", shelf: Shelf) -> str:
    words = match[2].strip(" ,")
    if not words:
        return ", "
    if words.count("(") != words.count(")"):
        return match[2]
    after = ", " if match[2].rstrip().endswith(",") else ""
    return shelf.put(f"({words}:{match[1]})", match[0]) + after

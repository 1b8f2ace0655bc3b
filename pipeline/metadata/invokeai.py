"""InvokeAI's settings: JSON in `invokeai_metadata` (since 3.0) or `sd-metadata` (2.x).

Its weights follow their text, as Compel reads them: `(hat)1.2`, `hat++`; round brackets without a
weight only group.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from pipeline.metadata.bounds import as_list, as_object, as_text, parse_object
from pipeline.metadata.flat import read_flat
from pipeline.metadata.parameters import Parameters

_MAX_PROMPT: Final = 16 * 1024
_MAX_ROUNDS: Final = 8  # brackets inside each other
_STEP: Final = {"+": 1.1, "-": 0.9}
_OPEN, _CLOSE = "\1", "\2"  # represent brackets that are done
_GROUP = re.compile(
    r"(?<!\\)\(((?:[^()\\]|\\.){0,2000}+)\)(\d{1,2}(?:\.\d{1,4})?(?![\w.])|\+{1,9}|-{1,9}(?![\w]))?"
)
_WORD = re.compile(r"(?<![\w\2+\\-])([^\W_][\w']{0,60})(\+{1,9}|-{1,9})(?=[\s,.)\2]|$)")
_EXCLUDED = re.compile(r"\[([^\[\]]{0,2000})\]")


def read(text: str) -> Parameters | None:
    """What `invokeai_metadata` says."""
    found = parse_object(text)
    if found is None or not {"positive_prompt", "prompt"} & found.keys():
        return None
    said = read_flat(found, sampler=("schedule", ""))
    style, style_not = (as_text(found.get(f"{side}_style_prompt")).strip()
                        for side in ("positive", "negative"))  # fmt: skip
    return replace(
        said,
        prompt=weights(_both(said.prompt, style)),
        negative_prompt=weights(_both(said.negative_prompt, style_not)),
    )


def read_old(text: str) -> Parameters | None:
    """What `sd-metadata` says: a prompt, or a list of them; `[this]` is the negative."""
    whole = parse_object(text) or {}
    found = as_object(whole.get("image"))
    if found is None:
        return None
    prompt = _old_prompt(found)
    negative = ", ".join(match[1].strip() for match in _EXCLUDED.finditer(prompt))
    said = read_flat(found, prompt=weights(_EXCLUDED.sub("", prompt).strip(" ,\n")),
                     negative=weights(negative), sampler=("sampler", ""))  # fmt: skip
    return replace(said, model_name=as_text(whole.get("model_weights")))


def _old_prompt(found: Mapping[str, object]) -> str:
    value = found.get("prompt")
    parts = as_list(value)[:20] or [value]
    texts = [as_text((as_object(part) or {"prompt": part}).get("prompt")) for part in parts]
    return ", ".join(text.strip(" ,") for text in texts if text.strip(" ,"))


def _both(prompt: str, style: str) -> str:
    return prompt if not style or style == prompt else f"{prompt}, {style}".strip(" ,")


def weights(prompt: str) -> str:
    """`prompt` in A1111's syntax: the same words with the same weights."""
    text = _WORD.sub(_weighed, prompt[:_MAX_PROMPT].replace(_OPEN, "").replace(_CLOSE, ""))
    for _ in range(_MAX_ROUNDS):
        grouped = _GROUP.sub(_weighed, text)
        if grouped == text:
            break
        text = grouped
    return text.replace(_OPEN, "(").replace(_CLOSE, ")")


def _weighed(match: re.Match[str]) -> str:
    sign = match[2] or ""
    weight = _STEP[sign[0]] ** len(sign) if sign[:1] in _STEP else float(sign or 1)
    shown = f"{weight:.3g}"
    return match[1] if shown == "1" else f"{_OPEN}{match[1]}:{shown}{_CLOSE}"

"""JSON from strangers: bounded in size and nesting, and of any shape."""

import json
import math
import re
from collections.abc import Mapping
from typing import Final, cast

from pipeline.card import Sampler

MAX_DEPTH: Final = 64
"""Objects and lists inside each other. ComfyUI's API graphs have 4 levels, workflows about 10."""

# A text without an end counts as one: each sign is looked at once, whatever stands there.
_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_MAX_INTEGER: Final = 2**63


def parse_object(text: str) -> Mapping[str, object] | None:
    """The JSON object in `text`; None where there is none, or it is nested too deeply."""
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
    """`value` if it is a JSON list, else an empty one."""
    return cast("list[object]", value) if isinstance(value, list) else []


def as_text(value: object) -> str:
    """`value` if it is a text, else an empty one."""
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


_SAMPLERS: Final[Mapping[str, Sampler]] = {
    "euler": Sampler.EULER,
    "euler_ancestral": Sampler.EULER_A,
    "ddim": Sampler.DDIM,
    "dpmpp_2m": Sampler.DPM_2M_KARRAS,
    "dpmpp_2m_sde": Sampler.DPM_2M_SDE_KARRAS,
    "dpmpp_2m_sde_gpu": Sampler.DPM_2M_SDE_KARRAS,
    "dpmpp_sde": Sampler.DPM_SDE_KARRAS,
    "dpmpp_sde_gpu": Sampler.DPM_SDE_KARRAS,
}
"""k-diffusion's names as ComfyUI and NovelAI (with `k_` before) write them. Ours of the DPM++ kind
always use Karras' schedule: the nearest, whatever schedule the file names."""


def sampler_of(name: str) -> Sampler | None:
    """Our sampler for k-diffusion's `name`; None where we have none like it."""
    return _SAMPLERS.get(name.removeprefix("k_"))

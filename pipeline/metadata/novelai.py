"""NovelAI's settings: JSON in the PNG text `Comment`, and its emphasis made A1111's.

`{tag}` weighs 1.05, `[tag]` 1/1.05, each further bracket multiplies again; `1.5::tag::` is exact.
Round brackets are plain characters there.
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from pipeline.metadata.bounds import (
    as_integer,
    as_list,
    as_number,
    as_object,
    as_text,
    parse_object,
)
from pipeline.metadata.parameters import LeftOut, Parameters
from pipeline.metadata.samplers import choose_sampler

MAX_PROMPT: Final = 64 * 1024  # characters that are looked at
_FROM_PICTURE: Final = frozenset({"Img2ImgRequest", "NativeInfillingRequest"})
_STEP: Final = 1.05
_MAX_DEPTH: Final = 40  # 1.05**40 is 7: more brackets are useless
_WEIGHT = re.compile(r"(-?\d{1,3}(?:\.\d{1,6})?)::(.*?)(?:::|\Z)", re.DOTALL)
_PIECE = re.compile(r"[{}\[\]]+|[^{}\[\]]+")


def read(comment: str) -> Parameters | None:
    """What `Comment` says; None where it isn't NovelAI's."""
    found = parse_object(comment)
    if found is None or not ("uc" in found or "v4_prompt" in found) or "prompt" not in found:
        return None
    name = as_text(found.get("sampler"))
    return Parameters(
        prompt=emphasis(_prompt(found)),
        negative_prompt=emphasis(_negative(found)),
        num_inference_steps=as_integer(found.get("steps")),
        sampler=choose_sampler(name, as_text(found.get("noise_schedule"))).sampler,
        sampler_name=name,
        schedule_type=as_text(found.get("noise_schedule")),
        guidance_scale=as_number(found.get("scale")),
        seed=as_integer(found.get("seed")),
        width=as_integer(found.get("width")),
        height=as_integer(found.get("height")),
        model_name="NovelAI",
        pairs=MappingProxyType(_pairs(found)),
        left_out=MappingProxyType(_left_out(found)),
    )


def _left_out(found: Mapping[str, object]) -> dict[LeftOut, tuple[str, ...]]:
    seen: dict[LeftOut, tuple[str, ...]] = {}
    if as_list(found.get("reference_strength_multiple")) or found.get("reference_strength"):
        seen[LeftOut.REFERENCE] = ()
    captions = as_object(found.get("v4_prompt")) or {}
    if captions.get("use_coords") is True:
        seen[LeftOut.REGION] = ()
    if as_text(found.get("request_type")) in _FROM_PICTURE:
        seen[LeftOut.INIT_PICTURE] = ()
    return seen


def _pairs(found: Mapping[str, object]) -> dict[str, str]:
    names = ("steps", "sampler", "noise_schedule", "scale", "seed", "width", "height", "strength")
    return {name: str(found[name])[:100] for name in names
            if isinstance(found.get(name), str | int | float)}  # fmt: skip


def _prompt(found: Mapping[str, object]) -> str:
    return _caption(found.get("v4_prompt")) or as_text(found.get("prompt"))


def _negative(found: Mapping[str, object]) -> str:
    return _caption(found.get("v4_negative_prompt")) or as_text(found.get("uc"))


def _caption(value: object) -> str:
    """Version 4: a caption for the picture and one for each character, joined."""
    caption = as_object((as_object(value) or {}).get("caption")) or {}
    parts = [as_text(caption.get("base_caption"))]
    characters = [as_object(each) or {} for each in as_list(caption.get("char_captions"))[:16]]
    parts += [as_text(character.get("char_caption")) for character in characters]
    return ", ".join(part.strip(" ,") for part in parts if part.strip(" ,"))


def emphasis(prompt: str) -> str:
    """`prompt` in A1111's syntax: the same words with the same weights."""
    return "".join(_written(text, weight) for text, weight in _weighted(prompt[:MAX_PROMPT]))


def _weighted(prompt: str) -> Iterator[tuple[str, float]]:
    """Texts with their weights. Negative weights are left out: they mean the opposite."""
    at = 0
    for match in _WEIGHT.finditer(prompt):
        yield from _bracketed(prompt[at : match.start()])
        weight = float(match[1])
        if weight > 0:
            yield re.sub(r"[{}\[\]]", "", match[2]), weight
        at = match.end()
    yield from _bracketed(prompt[at:])


def _bracketed(prompt: str) -> Iterator[tuple[str, float]]:
    """Unmatched closing brackets are left out; unclosed ones extend to the end, as in NovelAI."""
    up = down = 0
    for piece in _PIECE.findall(prompt):
        if piece[0] not in "{}[]":
            depth = max(-_MAX_DEPTH, min(up - down, _MAX_DEPTH))
            yield piece, _STEP**depth
            continue
        for sign in piece:
            up = max(0, up + (sign == "{") - (sign == "}"))
            down = max(0, down + (sign == "[") - (sign == "]"))


def _written(text: str, weight: float) -> str:
    """Escaped, with its weight around the words and not around commas and blanks."""
    escaped = re.sub(r"([()\\])", r"\\\1", text)
    words = escaped.strip(" ,\n")
    shown = f"{weight:.3g}"
    if shown == "1" or not words:
        return escaped
    before, _, after = escaped.partition(words)
    return f"{before}({words}:{shown}){after}"

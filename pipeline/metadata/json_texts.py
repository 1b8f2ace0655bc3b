"""Fooocus, SwarmUI, tensor.art, Draw Things and others that write one JSON object."""

import html
import re
from collections.abc import Mapping
from typing import Final

from pipeline.metadata.bounds import as_list, as_object, as_text, parse_object
from pipeline.metadata.flat import read_flat
from pipeline.metadata.parameters import Parameters

_MAX_PARTS: Final = 20
_SWARM_PART = re.compile(r"<(?:segment|object|region|refiner|extend|video|base)\b[^<>]{0,200}>")
_XMP_COMMENT = re.compile(
    r"<exif:UserComment>(?:\s{0,50}<rdf:Alt>\s{0,50}<rdf:li[^<>]{0,100}>)?\s{0,50}(\{[^<]*+)<"
)


def read_fooocus(found: Mapping[str, object]) -> Parameters:
    """`full_prompt` is what was drawn, including the text of styles."""
    full = (_joined(found.get(name)) for name in ("full_prompt", "full_negative_prompt"))
    prompt, negative = (text or None for text in full)
    return read_flat(found, prompt=prompt, negative=negative)


def read_swarm(found: Mapping[str, object]) -> Parameters:
    """The prompt ends where those of regions and later passes start."""
    values = as_object(found.get("sui_image_params")) or {}
    prompt = as_text(values.get("prompt"))
    return read_flat(values, prompt=_SWARM_PART.split(prompt)[0].strip(" ,\n"))


def read_plain(text: str) -> Parameters | None:
    """Any object with a prompt and one setting."""
    found = parse_object(text)
    if found is None:
        return None
    said = read_flat(found)
    settings = (said.num_inference_steps, said.seed, said.guidance_scale)
    return said if said.prompt and any(each is not None for each in settings) else None


def read_draw_things(xmp: str) -> Parameters | None:
    """The object is in the XMP packet, escaped."""
    match = _XMP_COMMENT.search(xmp)
    found = None if match is None else parse_object(html.unescape(match[1]).strip())
    return None if found is None or "c" not in found else read_flat(found)


def _joined(value: object) -> str:
    parts = [as_text(each).strip(" ,") for each in as_list(value)[:_MAX_PARTS]]
    return ", ".join(dict.fromkeys(part for part in parts if part))

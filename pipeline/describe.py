"""Describes a resolved request for people."""

from typing import Final

from pipeline.card import Speed
from pipeline.lora.typed import loras_text
from pipeline.options import written
from pipeline.request import OPTION, ResolvedRequest, decided

_HASH_DIGITS: Final = 12  # enough to distinguish pictures, short enough to read


def describe(resolved: ResolvedRequest) -> list[tuple[str, str]]:
    """Pairs of (label, value) in reading order, with everything that was decided.

    A label is a key under `[describe]` in the catalogue; values are as users write them. Empty
    values (no negative, no style) are left out, and typed text if it equals the final one. An init
    picture is named by the first digits of its content hash.
    """
    request = resolved.original
    said = {OPTION[field].label: written(value) for field, value in decided(resolved).items()}
    if resolved.own_loras:  # nobody asked by name for what makes it a draft
        said[OPTION["lora"].label] = loras_text(resolved.own_loras)
    count, speed = said.pop("count"), said.pop("speed")
    values = {
        "prompt": resolved.prompt,
        "negative_prompt": resolved.negative_prompt,
        "size": f"{resolved.width}x{resolved.height}",
        "preset": said["preset"],
        "style": "" if request.style is None else request.style.value,
        **said,
        "variation": (
            f"{resolved.variation_seed}, {resolved.variation_strength:.10g}"
            if resolved.variation_strength
            else ""
        ),
        "init_picture": resolved.init_picture[:_HASH_DIGITS],
        "mask": resolved.mask[:_HASH_DIGITS],
        "extend": "" if resolved.extend is None else resolved.extend.value,
        "strength": written(resolved.strength) if resolved.init_picture else "",
        "upscale": f"{resolved.upscale_factor:.10g}x" if resolved.upscale_factor != 1 else "",
        "speed": "" if resolved.speed is Speed.FULL else speed,
        "count": count,
        "place_negative": request.place_negative,
        "visibility": "private" if resolved.private else "public",
        "typed_prompt": "" if request.prompt == resolved.prompt else request.prompt,
        "typed_negative": (
            "" if request.negative_prompt == resolved.negative_prompt else request.negative_prompt
        ),
    }
    return [(label, value) for label, value in values.items() if value]

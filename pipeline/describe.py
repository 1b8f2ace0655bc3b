"""Describes a resolved request for people."""

from typing import Final

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
    count = said.pop("count")
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
        "strength": written(resolved.strength) if resolved.init_picture else "",
        "upscale": f"{resolved.upscale_factor:.10g}x" if resolved.upscale_factor != 1 else "",
        "count": count,
        "place_negative": request.place_negative,
        "visibility": "private" if resolved.private else "public",
        "typed_prompt": "" if request.prompt == resolved.prompt else request.prompt,
        "typed_negative": (
            "" if request.negative_prompt == resolved.negative_prompt else request.negative_prompt
        ),
    }
    return [(label, value) for label, value in values.items() if value]

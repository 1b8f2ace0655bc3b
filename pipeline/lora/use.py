"""A LoRA in one request: which one, and how strong."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, cast

from pipeline.jsonfields import JsonFields

MAX_LORAS: Final = 3
"""In one picture."""
MIN_STRENGTH: Final = -2.0
MAX_STRENGTH: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraUse:
    """`name` is that of the library, `strength` a finite factor. `digest` is the SHA-256 (hex) of
    the adapter's file in the library when the request was accepted; "" before. `hash`: what other
    programs know the original by, the start of A1111's hash (hex); "" if that is unknown. `draft`:
    it was added because the request is a draft."""

    name: str
    strength: float
    digest: str = ""
    hash: str = ""
    draft: bool = False


def loras_to_json(loras: Iterable[LoraUse]) -> list[dict[str, object]]:
    return [
        {
            "name": each.name,
            "strength": each.strength,
            "digest": each.digest,
            **({"hash": each.hash} if each.hash else {}),
            **({"draft": True} if each.draft else {}),
        }
        for each in loras
    ]


def loras_from_json(stored: JsonFields, name: str) -> tuple[LoraUse, ...]:
    """Read what `loras_to_json` returned; none if `name` is missing. ValueError for anything else:
    without one of its LoRAs a request would be another."""
    if name not in stored:
        return ()
    rows = cast("list[object]", stored.of_type(name, list))
    return tuple(_use(JsonFields.of(row)) for row in rows)


def _use(stored: JsonFields) -> LoraUse:
    strength = stored.number("strength")
    if not math.isfinite(strength):
        raise ValueError(f"the strength {strength} is not finite")
    return LoraUse(
        name=stored.of_type("name", str),
        strength=strength,
        digest=stored.of_type("digest", str),
        hash=stored.of_type("hash", str) if "hash" in stored else "",
        draft=stored.of_type("draft", bool) if "draft" in stored else False,
    )

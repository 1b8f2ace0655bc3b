"""What differs between the bot and a machine that wants to draw for it. Pure."""

import platform
from typing import Any

from pipeline.engine.protocol import ModelDescription


def of_versions(about: dict[str, Any], *, ekaki: str) -> str:
    """Why a machine that says `about` can't be used; "" if it can. Ray itself has compared Ray and
    Python before anything could be asked."""
    if about.get("ekaki") != ekaki:
        return f"it has Ekaki {about.get('ekaki')}, the bot has {ekaki}: install the same"
    here, there = platform.python_version_tuple()[:2], str(about.get("python")).split(".")[:2]
    if list(here) != there:
        return f"it has Python {'.'.join(there)}, the bot has {'.'.join(here)}: use the same"
    return ""


def of_models(there: ModelDescription, here: ModelDescription | None) -> str:
    """Why a machine can't draw for the bot, which draws with `here` (None: with nothing yet)."""
    if here is None or there.hash == here.hash:
        return _of_branches(there, here)
    return (
        f"it draws with {there.name} ({there.hash}), the bot with {here.name} ({here.hash}):"
        " set MODEL there to the same"
    )


def _of_branches(there: ModelDescription, here: ModelDescription | None) -> str:
    if here is not None and here.faces and not there.faces:
        return (
            "it finds no faces, the bot does: run there python -m bot model fetch --faces,"
            " or set FACES"
        )
    if here is None or there.loras or not here.loras:
        return ""
    return (
        "its model can't draw with LoRAs, the bot's can: prepare it there without --no-lora"
        " (python -m bot model prepare)"
    )

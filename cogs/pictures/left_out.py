"""Describes what can't be repeated here from another program's picture. Pure."""

from collections.abc import Iterator
from typing import Any, Final

from bot.loras.names import key_of
from cogs.common.words import listed, quoted, short
from data.shipped.text import text
from pipeline.lora.typed import parse_loras
from pipeline.metadata.parameters import LeftOut, Parameters
from pipeline.metadata.settings import settings_of
from pipeline.request import OPTIONS, GenerationRequest

_MAX_NAMES: Final = 5
_MAX_NOTE: Final = 1000  # characters: a field of an embed holds 1024


def left_out_note(parameters: Parameters, request: GenerationRequest) -> str:
    """A line for each; "" if everything was read and can be requested."""
    note = ""
    for line in _lines(parameters, request):
        if len(note) + len(line) < _MAX_NOTE:
            note += f"- {line}\n"
    return note.strip()


def _lines(parameters: Parameters, request: GenerationRequest) -> Iterator[str]:
    said = settings_of(parameters)
    chosen = {key_of(each.name) for each in parse_loras(request.lora or "")}
    for kind, found in parameters.left_out.items():
        names = [each for each in found if kind != LeftOut.LORA or key_of(each) not in chosen]
        if found and not names:
            continue
        label = text(f"left_out.{kind}")
        shown = listed(quoted(name, 60) for name in names[:_MAX_NAMES])
        yield text("left_out.named", what=label, names=shown) if names else label
    if len(request.prompt) < len(parameters.prompt):
        yield text("left_out.cut")
    for option in OPTIONS:
        value: Any = said.get(option.field)
        used: Any = getattr(request, option.field)
        if option.a1111 and value != used:
            yield text(f"left_out.{option.label}", value=short(value), used=short(used))

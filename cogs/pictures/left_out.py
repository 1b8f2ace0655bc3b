"""What of a stranger's picture can't be repeated here, in words. Pure."""

from collections.abc import Iterator
from typing import Final

from cogs.common.words import listed, quoted
from data.shipped.text import text
from pipeline.metadata.parameters import Parameters
from pipeline.request import GenerationRequest

_MAX_NAMES: Final = 5
_MAX_NOTE: Final = 1000  # characters: a field of an embed holds 1024


def left_out_note(parameters: Parameters, wish: GenerationRequest) -> str:
    """A line for each; "" where everything was read and can be asked for."""
    note = ""
    for line in _lines(parameters, wish):
        if len(note) + len(line) < _MAX_NOTE:
            note += f"- {line}\n"
    return note.strip()


def _lines(parameters: Parameters, wish: GenerationRequest) -> Iterator[str]:
    for kind, names in parameters.left_out.items():
        label = text(f"left_out.{kind}")
        shown = listed(quoted(name, 60) for name in names[:_MAX_NAMES])
        yield text("left_out.named", what=label, names=shown) if names else label
    if len(wish.prompt) < len(parameters.prompt):
        yield text("left_out.cut")
    if wish.num_inference_steps != parameters.num_inference_steps:
        yield text("left_out.steps", value=parameters.num_inference_steps,
                   used=wish.num_inference_steps)  # fmt: skip
    if wish.guidance_scale != parameters.guidance_scale:
        yield text("left_out.guidance", value=f"{parameters.guidance_scale:g}",
                   used=f"{wish.guidance_scale:g}")  # fmt: skip

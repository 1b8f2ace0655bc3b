"""Requests that redraw a part of a picture, or draw more around it."""

from dataclasses import replace

from bot.library.results import StoredPicture, from_picture
from pipeline.canvas import Extend
from pipeline.prompt.assemble import typed_text
from pipeline.prompt.flags_line import cut_prompt
from pipeline.request import GenerationRequest


def prompt_of(stored: StoredPicture) -> str:
    """The prompt of a picture as one text, to be changed. RefusedError `job_unknown`."""
    return cut_prompt(typed_text(from_picture(stored)))


def redrawn(stored: StoredPicture, *, prompt: str, strength: float | None) -> GenerationRequest:
    """The picture with a part drawn again from `prompt`; the mask of that part is not said yet.
    RefusedError `job_unknown`: its request can't be read any more."""
    request = replace(from_picture(stored), strength=strength)
    if prompt.strip() == prompt_of(stored).strip():
        return request
    return replace(request, prompt=prompt, character="", series="", tags="")


def faces_redrawn(stored: StoredPicture) -> GenerationRequest:
    """The picture with its small faces drawn again, larger, and nothing else changed. RefusedError
    `job_unknown`, as above."""
    return replace(from_picture(stored), faces=True, only_faces=True, seed=stored.picture.seed)


def extended(stored: StoredPicture, extend: Extend) -> GenerationRequest:
    """The picture with more drawn around it. RefusedError `job_unknown`, as above."""
    return replace(from_picture(stored), extend=extend)

"""From a file of anybody's to what it says about its making. Pure; costs some ms: use a thread."""

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from pipeline.metadata import comfyui, novelai
from pipeline.metadata.chunks import is_png, text_chunks
from pipeline.pngtext import Parameters, parse_parameters

A1111_KEY: Final = "parameters"
NOVELAI_KEY: Final = "Comment"
COMFYUI_KEY: Final = "prompt"
MAX_A1111: Final = 64 * 1024
"""Characters; as `pipeline.png.MAX_TEXT_BYTES`, no form or prompt needs more."""

_BLANKS = re.compile(r"[^\S\n]{2,}")
_EXTRA_NETWORK = re.compile(r"<(?:lora|lyco|hypernet):[^<>\n]{1,200}>")


class Source(StrEnum):
    """Who wrote the text."""

    A1111 = "A1111"
    COMFYUI = "ComfyUI"
    NOVELAI = "NovelAI"


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureMetadata:
    """What a file says, and in whose words."""

    source: Source
    parameters: Parameters


def read_metadata(data: bytes) -> PictureMetadata | None:
    """What the PNG `data` (or its beginning) says about its making.

    None where it says nothing that can be read: another kind of file, no text, a broken or an
    outsized one. Never raises, never looks at pixels.
    """
    texts = text_chunks(data)
    for key, source, read in (
        (A1111_KEY, Source.A1111, _a1111),
        (NOVELAI_KEY, Source.NOVELAI, novelai.read),
        (COMFYUI_KEY, Source.COMFYUI, comfyui.read),
    ):
        parameters = read(texts[key]) if key in texts else None
        if parameters is not None and parameters.prompt:
            return PictureMetadata(source=source, parameters=_cleaned(parameters))
    return None


def is_decided(data: bytes) -> bool:
    """Whether more of the file can't tell more: it is no PNG, or its text has been seen."""
    if len(data) < 8:
        return False
    return not is_png(data) or not {A1111_KEY, NOVELAI_KEY, COMFYUI_KEY}.isdisjoint(
        text_chunks(data)
    )


def _a1111(text: str) -> Parameters | None:
    """Some tools write JSON under the same name: it is no prompt."""
    if len(text) > MAX_A1111 or text.lstrip().startswith("{"):
        return None
    return parse_parameters(_BLANKS.sub(" ", text))  # long blanks would cost it quadratic time


def _cleaned(parameters: Parameters) -> Parameters:
    """Without the names of networks that we can't load, which a model would read as words."""
    return replace(
        parameters,
        prompt=_without_networks(parameters.prompt),
        negative_prompt=_without_networks(parameters.negative_prompt),
    )


def _without_networks(prompt: str) -> str:
    bare = _EXTRA_NETWORK.sub("", prompt)
    return bare if bare == prompt else re.sub(r",(?: {0,3},)+", ",", bare).strip(" ,\n")

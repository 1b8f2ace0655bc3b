"""Which program wrote the texts of a file, and how each one is read."""

import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Final, TypeAlias

from pipeline.metadata import comfyui, invokeai, json_texts, midjourney, novelai
from pipeline.metadata.a1111 import parse_parameters
from pipeline.metadata.bounds import parse_object
from pipeline.metadata.flat import read_flat
from pipeline.metadata.parameters import Parameters

MAX_A1111: Final = 64 * 1024
"""Characters; no form or prompt needs more."""


class Program(StrEnum):
    """Who wrote the text, by its own name."""

    A1111 = "A1111"
    FORGE = "Forge"
    SDNEXT = "SD.Next"
    COMFYUI = "ComfyUI"
    NOVELAI = "NovelAI"
    INVOKEAI = "InvokeAI"
    FOOOCUS = "Fooocus"
    SWARMUI = "SwarmUI"
    DRAW_THINGS = "Draw Things"
    MIDJOURNEY = "Midjourney"
    EASY_DIFFUSION = "Easy Diffusion"
    TENSOR_ART = "tensor.art"
    OTHER = "JSON"


_JSON = re.compile(r"\s*+(?:\{\s*+\"|\[\s*+[\[{])")

Reading: TypeAlias = tuple[Program, Parameters | None]
Texts: TypeAlias = Mapping[str, str]


def readings(texts: Texts) -> Iterator[Reading]:
    """Each recognised program, the most reliable text first, and what its text says; None if it
    can't be read."""
    for key, read in _READERS:
        if key in texts:
            found = read(texts[key], texts)
            if found is not None:
                yield found


def _parameters(text: str, texts: Texts) -> Reading | None:
    found = parse_object(text)
    if found is None:
        return None if _JSON.match(text) else _a1111(text)
    if "sui_image_params" in found:
        return Program.SWARMUI, json_texts.read_swarm(found)
    scheme = {key.casefold() for key in list(found)[:200]}
    if "fooocus_scheme" in texts or "full_prompt" in scheme or "performance" in scheme:
        return Program.FOOOCUS, json_texts.read_fooocus(found)
    said = json_texts.read_plain(text)
    return None if said is None else (Program.OTHER, said)


def _a1111(text: str) -> Reading | None:
    if len(text) > MAX_A1111:
        return (Program.A1111, None) if "Steps:" in text[-MAX_A1111:] else None
    said = parse_parameters(text)
    version = said.version.casefold()
    if version.startswith("fooocus"):
        return Program.FOOOCUS, said
    if said.pairs.get("App", "").casefold().startswith("sd.next"):
        return Program.SDNEXT, said
    forge = version.startswith("f") and version[1:2].isdigit()
    return Program.FORGE if forge else Program.A1111, said


def _settings(text: str, _texts: Texts) -> Reading | None:
    """A1111's text under another name; only where it has settings."""
    found = None if _JSON.match(text) else _a1111(text)
    return found if found is not None and found[1] is not None and found[1].pairs else None


def _comment(text: str, texts: Texts) -> Reading | None:
    said = novelai.read(text)
    if said is None and texts.get("Software", "").startswith(Program.NOVELAI):
        return Program.NOVELAI, None
    return None if said is None else (Program.NOVELAI, said)


def _comfyui(text: str, texts: Texts) -> Reading | None:
    """Easy Diffusion writes each setting as a text of its own, the prompt under the same name."""
    if text.lstrip().startswith("{") and (_JSON.match(text) or text.strip() == "{}"):
        return Program.COMFYUI, comfyui.read(text)
    if {"seed", "num_inference_steps", "guidance_scale"} & texts.keys():
        return Program.EASY_DIFFUSION, read_flat(texts)
    return _settings(text, texts) if text else (Program.COMFYUI, None)


def _xmp(text: str, _texts: Texts) -> Reading | None:
    said = json_texts.read_draw_things(text)
    if said is None and Program.DRAW_THINGS not in text:
        return None
    return Program.DRAW_THINGS, said


def _midjourney(text: str, _texts: Texts) -> Reading | None:
    said = midjourney.read(text)
    return None if said is None else (Program.MIDJOURNEY, said)


def _only(
    program: Program, read: Callable[[str], Parameters | None]
) -> Callable[[str, Texts], Reading]:
    return lambda text, _: (program, read(text))


def _unreadable(_text: str) -> None:
    return None


_READERS: Final[tuple[tuple[str, Callable[[str, Texts], Reading | None]], ...]] = (
    ("parameters", _parameters),
    ("Comment", _comment),
    ("invokeai_metadata", _only(Program.INVOKEAI, invokeai.read)),
    ("sd-metadata", _only(Program.INVOKEAI, invokeai.read_old)),
    ("prompt", _comfyui),
    ("generation_data", _only(Program.TENSOR_ART, json_texts.read_plain)),
    ("XML:com.adobe.xmp", _xmp),
    ("Description", _midjourney),
    ("workflow", _only(Program.COMFYUI, _unreadable)),
    ("Dream", _only(Program.INVOKEAI, _unreadable)),
    ("invokeai_graph", _only(Program.INVOKEAI, _unreadable)),
    *((key, _settings) for key in ("Comment", "Description", "UserComment", "Parameters")),
)

KEYS: Final = frozenset(key for key, _ in _READERS)
"""The texts that are examined."""

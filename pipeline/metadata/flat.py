"""JSON objects that name prompt and settings directly; the names differ little by program."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from pipeline.metadata.bounds import (
    as_integer,
    as_list,
    as_number,
    as_object,
    as_text,
    names_of,
    parse_integer,
    parse_number,
    parse_size,
)
from pipeline.metadata.parameters import LeftOut, Parameters
from pipeline.metadata.samplers import choose_sampler

_MAX_PAIRS: Final = 60
_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "prompt": ("positiveprompt", "prompt", "c"),
    "negative": ("negativeprompt", "negative", "uc"),
    "steps": ("steps", "numinferencesteps"),
    "sampler": ("samplername", "sampler"),
    "schedule": ("scheduler", "schedulertype"),
    "guidance": ("cfgscale", "cfg", "guidancescale", "guidance", "scale"),
    "seed": ("seed",),
    "size": ("size", "resolution"),
    "model": ("model", "basemodel", "basemodelname", "modelname", "usestablediffusionmodel"),
    "loras": ("loras", "lora", "uselora", "useloramodel"),
    "embeddings": ("embeddings", "useembeddings", "useembeddingsmodel"),
    "controls": ("controlnets", "controlnet", "control", "controls", "t2iadapters",
                 "controlnetmodel", "usecontrolnetmodel"),
    "references": ("ipadapters", "references", "reference"),
    "pictures": ("initimage", "initimg", "strengthimage"),
}  # fmt: skip
_LISTS: Final = (
    (LeftOut.LORA, "loras"),
    (LeftOut.EMBEDDING, "embeddings"),
    (LeftOut.CONTROL, "controls"),
    (LeftOut.REFERENCE, "references"),
    (LeftOut.INIT_PICTURE, "pictures"),
)


class Flat:
    """One such object; names are compared without case, blanks and underscores."""

    def __init__(self, found: Mapping[str, object]) -> None:
        self.values = {re.sub(r"[\s_-]", "", key[:60].casefold()): value
                       for key, value in found.items()}  # fmt: skip

    def get(self, what: str) -> object:
        """The first value for `what`, a key of the table."""
        return next((self.values[n] for n in _NAMES[what] if n in self.values), None)

    def text(self, what: str) -> str:
        return as_text(self.get(what)).strip()

    def integer(self, value: object) -> int | None:
        return parse_integer(value) if isinstance(value, str) else as_integer(value)

    def number(self, value: object) -> float | None:
        return parse_number(value) if isinstance(value, str) else as_number(value)

    def size(self) -> tuple[int | None, int | None]:
        sides = (self.integer(self.values.get(name)) for name in ("width", "height"))
        width, height = sides
        if width is None or height is None:
            return parse_size(self.text("size")) or (None, None)
        return width, height

    def model(self) -> str:
        """A file's name, or an object with one."""
        value = self.get("model")
        named = as_object(value) or {"name": value}
        return next(iter(names_of(named.get(n) for n in ("name", "model_name"))), "")

    def left_out(self) -> dict[LeftOut, tuple[str, ...]]:
        """The contents of the lists, by file name."""
        found: dict[LeftOut, tuple[str, ...]] = {}
        for kind, what in _LISTS:
            value = self.get(what)
            entries = as_list(value) or ([value] if value and not isinstance(value, list) else [])
            if entries:
                found[kind] = names_of(_name(each) for each in entries[:20])
        return found


def _name(entry: object) -> object:
    """The name in `"x"`, `["x", 0.5]`, `{"name": "x"}` or `{"model": {"name": "x"}}`."""
    for _ in range(4):
        if isinstance(entry, str):
            return entry
        values = as_object(entry)
        inside = as_list(entry)[:1] if values is None else [
            values[key] for key in ("name", "model_name", "model", "lora", "file", "control_model",
                                    "ip_adapter_model") if key in values
        ]  # fmt: skip
        if not inside:
            return None
        entry = inside[0]
    return None


def read_flat(
    found: Mapping[str, object],
    *,
    prompt: str | None = None,
    negative: str | None = None,
    sampler: Sequence[str] = ("sampler", "schedule"),
) -> Parameters:
    """Parse the object. `prompt` and `negative` replace its own; `sampler` names the keys of
    sampler and schedule."""
    flat = Flat(found)
    name, schedule = (flat.text(each) if each else "" for each in sampler)
    width, height = flat.size()
    return Parameters(
        prompt=flat.text("prompt") if prompt is None else prompt,
        negative_prompt=flat.text("negative") if negative is None else negative,
        num_inference_steps=flat.integer(flat.get("steps")),
        sampler=choose_sampler(name, schedule).sampler,
        sampler_name=name,
        schedule_type=schedule,
        guidance_scale=flat.number(flat.get("guidance")),
        seed=flat.integer(flat.get("seed")),
        width=width,
        height=height,
        model_name=flat.model(),
        pairs=MappingProxyType(_pairs(found)),
        left_out=MappingProxyType(flat.left_out()),
    )


def _pairs(found: Mapping[str, object]) -> dict[str, str]:
    """The settings as text, the prompts left out."""
    plain = {key: str(value)[:200] for key, value in list(found.items())[:_MAX_PAIRS]
             if isinstance(value, str | int | float) and value != ""}  # fmt: skip
    return {key[:60]: value for key, value in plain.items()
            if "prompt" not in key.casefold() and key not in {"c", "uc"}}  # fmt: skip

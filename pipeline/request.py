"""Requests: `GenerationRequest` as typed, `ResolvedRequest` with everything decided.

Pure values without numpy or Pillow, so that everything may import them cheaply.
"""

import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from enum import Enum
from functools import partial
from typing import Annotated, Any, Final, TypeVar

from pipeline.card import (
    MAX_COUNT,
    MAX_GUIDANCE,
    MAX_PROMPT_CHARACTERS,
    MAX_SEED,
    MAX_STEPS,
    MIN_GUIDANCE,
    MIN_STEPS,
    RANDOM_SEED,
    UNLISTED_SAMPLERS,
    Aesthetic,
    QualityPreset,
    Sampler,
    Style,
    Year,
)
from pipeline.hints import Hint, hints_from_json, hints_to_json
from pipeline.jsonfields import JsonFields
from pipeline.lora.typed import loras_text
from pipeline.lora.use import LoraUse, loras_from_json, loras_to_json
from pipeline.options import Option, kinds, options_of, read_choice
from pipeline.rating import Rating
from pipeline.rework import MAX_STRENGTH, MIN_STRENGTH

_R = TypeVar("_R", bound="GenerationRequest | ResolvedRequest")

JSON_VERSION: Final = 1
"""The version of the stored form. New fields need no new number: readers ignore unknown fields and
use defaults for missing ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRequest:
    """What the person asks for, as typed. None means the default. A field with a row is an option:
    see `pipeline.options.Option`.

    `aspect` is free text: a bucket's name, a ratio `3:2` or pixels `832x1216`. So is `lora`: names
    of the library with strengths, `ink:0.8, other` (`pipeline.lora.typed`).
    `seed` is 0..2**32-1, or -1 for random. `private` decides who sees the result.

    `init_picture` is the content hash (SHA-256, hex) of the picture to start from, one of ours or
    an upload. `strength` (0.05..1) says how much of it is redrawn; it has no effect without one.
    `variation_seed` (as `seed`) interpolates the initial noise by `variation_strength` (0..1)
    towards that seed's, as A1111 does. `upscale` draws `init_picture` larger, as the official demo
    does. `source` is the id of the job that it was drawn from (re-roll, vary, upscale, remix).
    `place_negative` is what the place adds to every negative prompt.
    """

    prompt: Annotated[str, Option(low=1, high=MAX_PROMPT_CHARACTERS)] = ""
    negative_prompt: Annotated[
        str,
        Option(name="negative", flags=("no", "negative"), low=1, high=MAX_PROMPT_CHARACTERS,
               in_me=True),
    ] = ""  # fmt: skip
    character: Annotated[str, Option()] = ""
    series: Annotated[str, Option()] = ""
    tags: Annotated[str, Option()] = ""
    aspect: Annotated[str | None, Option(flags=("ar", "aspect"), in_me=True)] = None
    preset: Annotated[
        QualityPreset | None,
        Option(name="quality", flags=("preset",), label="preset", in_me=True, decided=True),
    ] = None
    rating: Annotated[Rating | None, Option(flags=("rating",), in_me=True, decided=True)] = None
    year: Annotated[Year | None, Option(flags=("year",))] = None
    aesthetic: Annotated[Aesthetic | None, Option(flags=("aesthetic",))] = None
    style: Annotated[Style | None, Option(flags=("style",))] = None
    lora: Annotated[str | None, Option(flags=("lora",), in_me=True)] = None
    sampler: Annotated[
        Sampler | None,
        Option(flags=("sampler",), a1111="Sampler", decided=True, unlisted=UNLISTED_SAMPLERS),
    ] = None
    num_inference_steps: Annotated[
        int | None,
        Option(name="steps", flags=("steps",), low=MIN_STEPS, high=MAX_STEPS, a1111="Steps",
               decided=True),
    ] = None  # fmt: skip
    guidance_scale: Annotated[
        float | None,
        Option(name="cfg", flags=("cfg", "guidance"), low=MIN_GUIDANCE, high=MAX_GUIDANCE,
               label="guidance", a1111="CFG scale", decided=True),
    ] = None  # fmt: skip
    seed: Annotated[
        int | None,
        Option(flags=("seed",), low=RANDOM_SEED, high=MAX_SEED, a1111="Seed", in_preset=False,
               decided=True),
    ] = None  # fmt: skip
    count: Annotated[
        int | None,
        Option(flags=("count", "n"), low=1, high=MAX_COUNT, in_preset=False, decided=True),
    ] = None
    private: Annotated[bool, Option(in_preset=False)] = False
    init_picture: str | None = None
    strength: Annotated[
        float | None, Option(low=MIN_STRENGTH, high=MAX_STRENGTH, in_preset=False)
    ] = None
    variation_seed: int | None = None
    variation_strength: float | None = None
    upscale: bool = False
    place_negative: str = ""
    source: str | None = None

    def to_json(self) -> str:
        """One line of JSON for storage, without fields that are not set."""
        return _dump({"version": JSON_VERSION, **plain_values(self)})

    @classmethod
    def from_json(cls, text: str) -> "GenerationRequest":
        """What `to_json` wrote, now or in another version. ValueError names what is unreadable."""
        return _read(cls, JsonFields.parse(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedRequest:
    """Everything decided: no None left. Enough to draw the same pictures again.

    `prompt` and `negative_prompt` are the final texts in A1111 syntax that the engine encodes.
    Picture i of the job uses seed `(seed + i) % 2**32`; with a variation all use `seed`, and the
    variation's seed is counted up (A1111's way). `width` and `height` are pixels.
    `original` is the request it came from (stored as `wish`), for replaying with changes (re-roll,
    remix).

    `hints` are shown with the pictures.

    `init_picture` is the content hash of the picture to start from, "" for none; then `strength` is
    1. `variation_strength` 0: no variation. `upscale_factor` is 1 without upscaling; `width` and
    `height` are those of the larger picture.

    `loras` are applied to the model while it draws, each with the `digest` of its file.
    """

    prompt: str
    negative_prompt: str
    width: int
    height: int
    preset: QualityPreset
    rating: Rating
    sampler: Sampler
    num_inference_steps: int
    guidance_scale: float
    seed: int
    count: int
    private: bool
    original: GenerationRequest
    init_picture: str = ""
    strength: float = 1.0
    variation_seed: int = 0
    variation_strength: float = 0.0
    upscale_factor: float = 1.0
    hints: tuple[Hint, ...] = ()
    loras: tuple[LoraUse, ...] = ()

    def seed_of(self, index: int) -> int:
        """The seed of picture `index` (from 0) of this job: A1111's seed + index."""
        return self.seed if self.variation_strength else (self.seed + index) % 2**32

    def variation_seed_of(self, index: int) -> int:
        """The seed of the variation of picture `index`."""
        return (self.variation_seed + index) % 2**32

    def to_json(self) -> str:
        """One line of JSON for storage."""
        values = {**plain_values(self), "wish": plain_values(self.original)}
        del values["original"]
        if self.hints:
            values["hints"] = hints_to_json(self.hints)
        if self.loras:
            values["loras"] = loras_to_json(self.loras)
        return _dump({"version": JSON_VERSION, **values})

    @classmethod
    def from_json(cls, text: str) -> "ResolvedRequest":
        """What `to_json` wrote, now or in another version. ValueError names what is unreadable."""
        stored = JsonFields.parse(text)
        return _read(
            cls,
            stored,
            original=_read(GenerationRequest, stored.object("wish")),
            hints=hints_from_json(stored.rows("hints")),
            loras=loras_from_json(stored, "loras"),
        )


OPTIONS: Final = options_of(GenerationRequest)
"""All options of a request, as `/imagine` offers them."""

OPTION: Final[Mapping[str, Option]] = {each.field: each for each in OPTIONS}
"""By field."""

DECIDED: Final = tuple(each for each in OPTIONS if each.decided)
"""Those that a resolved request also has."""


def decided(resolved: ResolvedRequest) -> dict[str, Any]:
    """The decided values, by the fields of a request, except defaults of the fields themselves."""
    usual = {each.name: each.default for each in fields(resolved)}
    found = {each.field: getattr(resolved, each.field) for each in DECIDED}
    said = {field: value for field, value in found.items() if value != usual[field]}
    return {**said, "lora": loras_text(resolved.loras)} if resolved.loras else said


def plain_values(value: GenerationRequest | ResolvedRequest) -> dict[str, object]:
    """Fields as JSON has them: enums by value, ratings by label, defaults left out."""
    values: dict[str, Any] = {
        each.name: getattr(value, each.name)
        for each in fields(value)
        if getattr(value, each.name) != each.default
    }
    return {n: each.label if isinstance(each, Rating) else each for n, each in values.items()}


def _dump(values: dict[str, object]) -> str:
    return json.dumps(values, ensure_ascii=False, allow_nan=False)


def _read(of: type[_R], stored: JsonFields, **known: Any) -> _R:
    """A request from its stored form; `known` fields are already read. A missing field gets its
    default, and is an error if it has none."""
    wanted = [
        each.name
        for each in fields(of)
        if each.name not in known and (each.name in stored or each.default is MISSING)
    ]
    found = {name: _value(stored, name, kinds(of)[name]) for name in wanted}
    return of(**found, **known)


def _value(stored: JsonFields, name: str, kind: type[Any]) -> Any:
    if issubclass(kind, Enum):
        return stored.choice(name, partial(read_choice, kind))
    return stored.number(name) if kind is float else stored.of_type(name, kind)

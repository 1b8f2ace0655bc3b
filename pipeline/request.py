"""Requests: `GenerationRequest` as typed, `ResolvedRequest` with everything decided.

Pure values without numpy or Pillow, so that everything may import them cheaply.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

from pipeline.canvas import Extend
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
    Speed,
    Style,
    Year,
)
from pipeline.chosen import Chosen, chosen_from_json, chosen_to_json
from pipeline.hints import Hint, hints_from_json, hints_to_json
from pipeline.jsonfields import JsonFields
from pipeline.lora.typed import loras_text
from pipeline.lora.use import LoraUse, loras_from_json, loras_to_json
from pipeline.options import Option, options_of
from pipeline.rating import Rating
from pipeline.regions import Region, regions_from_json, regions_to_json
from pipeline.rework import MAX_STRENGTH, MIN_STRENGTH
from pipeline.stored_fields import plain_values, read_fields, to_line

JSON_VERSION: Final = 1
"""The version of the stored form. New fields need no new number: readers ignore unknown fields and
use defaults for missing ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRequest:
    """What the person asks for, as typed. None means the default. A field with a row is an option:
    see `pipeline.options.Option`.

    `aspect` is free text: a bucket's name, a ratio `3:2` or pixels `832x1216`. So is `lora`: names
    of the library with strengths, `ink:0.8, other` (`pipeline.lora.typed`); "" is none at all.
    `seed` is 0..2**32-1, or -1 for random. `private` decides who sees the result.

    `init_picture` is the content hash (SHA-256, hex) of the picture to start from, one of ours or
    an upload. `strength` (0.05..1) says how much of it is redrawn; it has no effect without one.
    `variation_seed` (as `seed`) interpolates the initial noise by `variation_strength` (0..1)
    towards that seed's, as A1111 does. `mask` is the content hash of a stored mask of the size of
    `init_picture`, white where it is redrawn; everything else stays. `extend` draws more around
    `init_picture`, which stays. `upscale` draws `init_picture` larger, as the official demo
    does. `faces` has small faces drawn again, larger; `only_faces` those of `init_picture`, of
    which nothing else changes. `source` is the id of the job that it was drawn from (re-roll, vary,
    upscale, remix). `place_negative` is what the place adds to every negative prompt. `compare` has
    each picture drawn with another value of an option: `cfg: 5 | 7 | 9` (`pipeline.compare`).
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
    speed: Annotated[
        Speed | None,
        Option(flags=("speed",), a1111="Speed", in_me=True, decided=True, suggested=True),
    ] = None
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
               in_me=True, decided=True),
    ] = None  # fmt: skip
    count: Annotated[
        int | None,
        Option(flags=("count", "n"), low=1, high=MAX_COUNT, in_preset=False, decided=True),
    ] = None
    faces: Annotated[bool | None, Option(flags=("faces",), a1111="Faces", decided=True)] = None
    private: Annotated[bool, Option(in_preset=False)] = False
    init_picture: str | None = None
    strength: Annotated[
        float | None, Option(low=MIN_STRENGTH, high=MAX_STRENGTH, in_preset=False)
    ] = None
    variation_seed: int | None = None
    variation_strength: float | None = None
    mask: str | None = None
    extend: Extend | None = None
    upscale: bool = False
    only_faces: bool = False
    place_negative: str = ""
    source: str | None = None
    compare: str | None = None

    def to_json(self) -> str:
        """One line of JSON for storage, without fields that are not set."""
        return to_line({"version": JSON_VERSION, **plain_values(self)})

    @classmethod
    def from_json(cls, text: str) -> "GenerationRequest":
        """What `to_json` wrote, now or in another version. ValueError names what is unreadable."""
        return read_fields(cls, JsonFields.parse(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedRequest:
    """Everything decided: no None left. Enough to draw the same pictures again.

    A draft has the LoRA that makes it one among `loras`, marked as `draft`.

    `prompt` and `negative_prompt` are the final texts in A1111 syntax that the engine encodes.
    Picture i of the job uses seed `(seed + i) % 2**32`; with a variation all use `seed`, and the
    variation's seed is counted up (A1111's way). `width` and `height` are pixels.
    `original` is the request it came from (stored as `wish`), for replaying with changes (re-roll,
    remix).

    `hints` are shown with the pictures.

    `init_picture` is the content hash of the picture to start from, "" for none; then `strength` is
    1. `variation_strength` 0: no variation. `upscale_factor` is 1 without upscaling; `width` and
    `height` are those of the larger picture. `mask` is the content hash of the mask, "" for none;
    `extend` is None unless the picture is extended.

    `faces`: small faces of the finished picture are drawn again, larger. `only_faces`: the finished
    picture is `init_picture`.

    `loras` are applied to the model while it draws, each with the `digest` of its file. `regions`
    have prompts of their own, which `prompt` tells in one line.

    `chosen`: the texts of each picture, where the prompt has choices (`{red|blue} hair`); then
    `prompt` and `negative_prompt` are those of the first, `original` has the choices, and `of` says
    what one picture is drawn with.

    `compared` has a request for each picture of a comparison, which alone counts for it: `single`.
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
    mask: str = ""
    extend: Extend | None = None
    hints: tuple[Hint, ...] = ()
    loras: tuple[LoraUse, ...] = ()
    regions: tuple[Region, ...] = ()
    speed: Speed = Speed.FULL
    faces: bool = False
    only_faces: bool = False
    chosen: tuple[Chosen, ...] = ()
    compared: "tuple[ResolvedRequest, ...]" = ()

    @property
    def own_loras(self) -> tuple[LoraUse, ...]:
        """Those that were asked for by name: without the one that makes it a draft."""
        return tuple(each for each in self.loras if not each.draft)

    def of(self, index: int) -> "ResolvedRequest":
        """The request with the texts of picture `index`, without choices; of a comparison that of
        the picture alone."""
        if self.compared:
            return self.compared[index].of(0)
        if not self.chosen:
            return self
        found = self.chosen_for(index)
        return replace(
            self,
            prompt=found.prompt,
            negative_prompt=found.negative_prompt,
            regions=found.regions,
            original=replace(self.original, **dict[str, Any](found.typed)),
            chosen=(),
        )

    def single(self, index: int) -> "ResolvedRequest":
        """The request of which picture `index` is picture `index_in(index)`: of a comparison that
        of the picture alone, with its choices."""
        return self.compared[index] if self.compared else self

    def index_in(self, index: int) -> int:
        """See `single`."""
        return 0 if self.compared else index

    def chosen_for(self, index: int) -> Chosen:
        """What was chosen for picture `index`, of a request with choices."""
        return self.chosen[index % len(self.chosen)]

    @property
    def copies(self) -> int:
        """Rows of the UNet in each step of a picture: one for each region, and the negative's."""
        return max(1, len(self.regions)) + (self.guidance_scale > 1)

    def seed_of(self, index: int) -> int:
        """The seed of picture `index` (from 0) of this job: A1111's seed + index; of a comparison
        the same for all."""
        return (
            self.seed if self.variation_strength or self.compared else (self.seed + index) % 2**32
        )

    def variation_seed_of(self, index: int) -> int:
        """The seed of the variation of picture `index`."""
        return (self.variation_seed + index) % 2**32

    def to_json(self) -> str:
        """One line of JSON for storage."""
        values = {**plain_values(self), "wish": plain_values(self.original)}
        del values["original"]
        lists: dict[str, object] = {
            "hints": hints_to_json(self.hints),
            "regions": regions_to_json(self.regions),
            "loras": loras_to_json(self.loras),
            "chosen": chosen_to_json(self.chosen),
            "compared": [json.loads(each.to_json()) for each in self.compared],
        }
        values.update((name, rows) for name, rows in lists.items() if rows)
        return to_line({"version": JSON_VERSION, **values})

    @classmethod
    def from_json(cls, text: str) -> "ResolvedRequest":
        """What `to_json` wrote, now or in another version. ValueError names what is unreadable."""
        stored = JsonFields.parse(text)
        compared = tuple(_resolved(JsonFields.of(each)) for each in stored.rows("compared"))
        found = _resolved(stored, compared=compared)
        if compared and len(compared) != found.count:
            raise ValueError("'compared' should have a request for each picture")
        return found


OPTIONS: Final = options_of(GenerationRequest)
"""All options of a request, as `/imagine` offers them."""

OPTION: Final[Mapping[str, Option]] = {each.field: each for each in OPTIONS}
"""By field."""

DECIDED: Final = tuple(each for each in OPTIONS if each.decided)
"""Those that a resolved request also has."""


def decided(resolved: ResolvedRequest) -> dict[str, Any]:
    """The decided values, by the fields of a request: drawn with them again, no default of a person
    or a place has a say. A switch that is off has no defaults, and says nothing."""
    values = {each.field: getattr(resolved, each.field) for each in DECIDED}
    said = {field: value for field, value in values.items() if value is not False}
    own = resolved.own_loras
    return {**said, "lora": loras_text(own)} if own else said


def _resolved(stored: JsonFields, *, compared: tuple[ResolvedRequest, ...] = ()) -> ResolvedRequest:
    return read_fields(
        ResolvedRequest,
        stored,
        original=read_fields(GenerationRequest, stored.object("wish")),
        hints=hints_from_json(stored.rows("hints")),
        loras=loras_from_json(stored, "loras"),
        chosen=chosen_from_json(stored, "chosen"),
        regions=regions_from_json(stored, "regions"),
        compared=compared,
    )

"""A wish and what became of it: `GenerationRequest` in, `ResolvedRequest` out.

Pure values without numpy or Pillow, so that everything may import them cheaply.
"""

import json
from dataclasses import dataclass, fields
from typing import Any, Final

from pipeline.card import Aesthetic, QualityPreset, Sampler, Style, Year
from pipeline.hints import Hint, hints_from_json, hints_to_json
from pipeline.jsonfields import JsonFields
from pipeline.rating import Rating

JSON_VERSION: Final = 1
"""Of the stored form. Fields may join without a new number: readers ignore what they don't know and
take defaults for what is missing in a wish."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRequest:
    """What the person wants, as typed. None means: not said, take the default.

    `aspect` is free text: a bucket's name, a ratio `3:2` or pixels `832x1216`.
    `seed` is 0..2**32-1, or -1 for random. `private` decides who sees the result.

    `init_picture` is the content hash (SHA-256, hex) of the picture to begin from, one of ours or
    an upload. `strength` (0.05..1) says how much of it is drawn anew; without one it says nothing.
    `variation_seed` (as `seed`) bends the first noise by `variation_strength` (0..1) towards that
    seed's, as A1111 does. `upscale` draws `init_picture` larger, as the official demo does.
    """

    prompt: str = ""
    negative_prompt: str = ""
    character: str = ""
    series: str = ""
    tags: str = ""
    aspect: str | None = None
    preset: QualityPreset | None = None
    rating: Rating | None = None
    year: Year | None = None
    aesthetic: Aesthetic | None = None
    style: Style | None = None
    sampler: Sampler | None = None
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    seed: int | None = None
    count: int | None = None
    private: bool = False
    init_picture: str | None = None
    strength: float | None = None
    variation_seed: int | None = None
    variation_strength: float | None = None
    upscale: bool = False

    def to_json(self) -> str:
        """One line of JSON for storage; fields that say nothing are left out."""
        return _dump({"version": JSON_VERSION, **_plain_values(self)})

    @classmethod
    def from_json(cls, text: str) -> "GenerationRequest":
        """What `to_json` wrote, now or in another version. ValueError names what is unreadable."""
        return _wish(JsonFields.parse(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedRequest:
    """Everything decided: no None left. Enough to draw the same pictures again.

    `prompt` and `negative_prompt` are the final texts in A1111 syntax that the engine encodes.
    Picture i of the job uses seed `(seed + i) % 2**32`; with a variation all use `seed`, and the
    variation's seed is counted up (A1111's way). `width` and `height` are pixels.
    `wish` is the request it came from, for replaying with changes (re-roll, remix).

    `hints` are what the person is told of the prompt beside the pictures.

    `init_picture` is the content hash of the picture to begin from, "" for none; then `strength` is
    1. `variation_strength` 0: no variation. `upscale_factor` is 1 without upscaling; `width` and
    `height` are those of the larger picture.
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
    wish: GenerationRequest
    init_picture: str = ""
    strength: float = 1.0
    variation_seed: int = 0
    variation_strength: float = 0.0
    upscale_factor: float = 1.0
    hints: tuple[Hint, ...] = ()

    def seed_of(self, index: int) -> int:
        """The seed of picture `index` (from 0) of this job: A1111's seed + index."""
        return self.seed if self.variation_strength else (self.seed + index) % 2**32

    def variation_seed_of(self, index: int) -> int:
        """The seed that the first noise of picture `index` is bent to; of use with a variation."""
        return (self.variation_seed + index) % 2**32

    def to_json(self) -> str:
        """One line of JSON for storage."""
        values = {**_plain_values(self), "wish": _plain_values(self.wish)}
        if self.hints:
            values["hints"] = hints_to_json(self.hints)
        return _dump({"version": JSON_VERSION, **values})

    @classmethod
    def from_json(cls, text: str) -> "ResolvedRequest":
        """What `to_json` wrote, now or in another version. ValueError names what is unreadable."""
        stored = JsonFields.parse(text)
        return cls(
            prompt=stored.text("prompt"),
            negative_prompt=stored.text("negative_prompt"),
            width=stored.integer("width"),
            height=stored.integer("height"),
            preset=stored.choice("preset", QualityPreset),
            rating=stored.choice("rating", Rating.from_label),
            sampler=stored.choice("sampler", Sampler),
            num_inference_steps=stored.integer("num_inference_steps"),
            guidance_scale=stored.number("guidance_scale"),
            seed=stored.integer("seed"),
            count=stored.integer("count"),
            private=stored.flag("private"),
            wish=_wish(stored.object("wish")),
            init_picture=stored.optional("init_picture", stored.text, ""),
            strength=stored.optional("strength", stored.number, 1.0),
            variation_seed=stored.optional("variation_seed", stored.integer, 0),
            variation_strength=stored.optional("variation_strength", stored.number, 0.0),
            upscale_factor=stored.optional("upscale_factor", stored.number, 1.0),
            hints=hints_from_json(stored.rows("hints")),
        )


def _plain_values(value: GenerationRequest | ResolvedRequest) -> dict[str, object]:
    """Fields as JSON has them: enums by value, ratings by label, defaults left out."""
    values: dict[str, Any] = {
        each.name: getattr(value, each.name)
        for each in fields(value)
        if getattr(value, each.name) != each.default
    }
    return {n: each.label if isinstance(each, Rating) else each for n, each in values.items()}


def _dump(values: dict[str, object]) -> str:
    return json.dumps(values, ensure_ascii=False, allow_nan=False)


def _wish(stored: JsonFields) -> GenerationRequest:
    return GenerationRequest(
        prompt=stored.optional("prompt", stored.text, ""),
        negative_prompt=stored.optional("negative_prompt", stored.text, ""),
        character=stored.optional("character", stored.text, ""),
        series=stored.optional("series", stored.text, ""),
        tags=stored.optional("tags", stored.text, ""),
        aspect=stored.optional("aspect", stored.text, None),
        preset=stored.optional("preset", lambda n: stored.choice(n, QualityPreset), None),
        rating=stored.optional("rating", lambda n: stored.choice(n, Rating.from_label), None),
        year=stored.optional("year", lambda n: stored.choice(n, Year), None),
        aesthetic=stored.optional("aesthetic", lambda n: stored.choice(n, Aesthetic), None),
        style=stored.optional("style", lambda n: stored.choice(n, Style), None),
        sampler=stored.optional("sampler", lambda n: stored.choice(n, Sampler), None),
        num_inference_steps=stored.optional("num_inference_steps", stored.integer, None),
        guidance_scale=stored.optional("guidance_scale", stored.number, None),
        seed=stored.optional("seed", stored.integer, None),
        count=stored.optional("count", stored.integer, None),
        private=stored.optional("private", stored.flag, False),
        init_picture=stored.optional("init_picture", stored.text, None),
        strength=stored.optional("strength", stored.number, None),
        variation_seed=stored.optional("variation_seed", stored.integer, None),
        variation_strength=stored.optional("variation_strength", stored.number, None),
        upscale=stored.optional("upscale", stored.flag, False),
    )

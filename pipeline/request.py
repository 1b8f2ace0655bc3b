"""A wish and what became of it: `GenerationRequest` in, `ResolvedRequest` out.

Pure values without numpy or Pillow, so that everything may import them cheaply.
"""

from dataclasses import dataclass

from pipeline.card import Aesthetic, QualityPreset, Sampler, Style, Year
from pipeline.rating import Rating


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRequest:
    """What the person wants, as typed. None means: not said, take the default.

    `aspect` is free text: a bucket's name, a ratio `3:2` or pixels `832x1216`.
    `seed` is 0..2**32-1, or -1 for random. `private` decides who sees the result.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedRequest:
    """Everything decided: no None left. Enough to draw the same pictures again.

    `prompt` and `negative_prompt` are the final texts in A1111 syntax that the engine encodes.
    Picture i of the job uses seed `(seed + i) % 2**32`. `width` and `height` are pixels.
    `wish` is the request it came from, for replaying with changes (re-roll, remix).
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

    def seed_of(self, index: int) -> int:
        """The seed of picture `index` (from 0) of this job: A1111's seed + index."""
        return (self.seed + index) % 2**32

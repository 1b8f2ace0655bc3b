"""The model card of Animagine XL 3.1 and the official demo's presets, as typed data.

Source: the card of `ecyht2/animagine-xl-3.1-onnx` (special tags, sizes, recommended settings) and
the public configuration of the official demo (presets, styles' names, samplers). The words belong
to version 3.1: 3.0 and 4.0 use others, never mix them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal

from pipeline.rating import Rating


class QualityPreset(StrEnum):
    """Which quality tags and negative are appended."""

    NONE = "None"
    STANDARD_30 = "Standard v3.0"
    STANDARD_31 = "Standard v3.1"
    LIGHT_31 = "Light v3.1"
    HEAVY_31 = "Heavy v3.1"


class Quality(StrEnum):
    """Quality modifiers, from the best score percentile to the worst."""

    MASTERPIECE = "masterpiece"
    BEST = "best quality"
    GREAT = "great quality"
    GOOD = "good quality"
    NORMAL = "normal quality"
    LOW = "low quality"
    WORST = "worst quality"


class Year(StrEnum):
    """Year modifiers: the art style of a period."""

    NEWEST = "newest"
    RECENT = "recent"
    MID = "mid"
    EARLY = "early"
    OLDEST = "oldest"


class Aesthetic(StrEnum):
    """Aesthetic tags."""

    VERY_AESTHETIC = "very aesthetic"
    AESTHETIC = "aesthetic"
    DISPLEASING = "displeasing"
    VERY_DISPLEASING = "very displeasing"


class Style(StrEnum):
    """The nine styles of the official demo; the tag sets are our own."""

    CINEMATIC = "Cinematic"
    PHOTOGRAPHIC = "Photographic"
    ANIME = "Anime"
    MANGA = "Manga"
    DIGITAL_ART = "Digital Art"
    PIXEL_ART = "Pixel Art"
    FANTASY_ART = "Fantasy Art"
    NEONPUNK = "Neonpunk"
    MODEL_3D = "3D Model"


class Sampler(StrEnum):
    """Noise schedulers on offer, by the names users know."""

    EULER_A = "Euler a"
    EULER = "Euler"
    DDIM = "DDIM"
    DPM_2M_KARRAS = "DPM++ 2M Karras"
    DPM_2M_SDE_KARRAS = "DPM++ 2M SDE Karras"
    DPM_SDE_KARRAS = "DPM++ SDE Karras"
    EULER_TRAILING = "Euler SGM Uniform"
    LCM = "LCM"
    TCD = "TCD"


class Speed(StrEnum):
    """How much work goes into a picture: everything, less of it with nearly the same picture, or a
    few steps with a LoRA that was distilled for that."""

    FULL = "full"
    BALANCED = "balanced"
    DRAFT = "draft"


RATING_TAGS: Final[Mapping[Rating, str]] = MappingProxyType(
    {
        Rating.SAFE: "safe",
        Rating.SENSITIVE: "sensitive",
        Rating.NSFW: "nsfw",
        Rating.EXPLICIT: "explicit, nsfw",
    }
)
"""What is written into a prompt for each rating."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What a quality preset or a style adds to the prompt and to the negative."""

    positive: str
    negative: str


CARD_NEGATIVE: Final = (
    "nsfw, lowres, (bad), text, error, fewer, extra, missing, worst quality, jpeg artifacts, "
    "low quality, watermark, unfinished, displeasing, oldest, early, chromatic aberration, "
    "signature, extra digits, artistic error, username, scan, [abstract]"
)
"""The card's recommended negative. `(bad)` and `[abstract]` are weight syntax."""

PRESETS: Final[Mapping[QualityPreset, Added]] = MappingProxyType(
    {
        QualityPreset.NONE: Added(positive="", negative="nsfw, lowres"),
        QualityPreset.STANDARD_30: Added(
            positive="masterpiece, best quality",
            negative=(
                "nsfw, lowres, bad anatomy, bad hands, text, error, missing fingers, "
                "extra digit, fewer digits, cropped, worst quality, low quality, normal quality, "
                "jpeg artifacts, signature, watermark, username, blurry, artist name"
            ),
        ),
        QualityPreset.STANDARD_31: Added(
            positive="masterpiece, best quality, very aesthetic, absurdres",
            negative=CARD_NEGATIVE,
        ),
        QualityPreset.LIGHT_31: Added(
            positive="(masterpiece), best quality, very aesthetic, perfect face",
            negative=(
                "nsfw, (low quality, worst quality:1.2), very displeasing, 3d, watermark, "
                "signature, ugly, poorly drawn"
            ),
        ),
        QualityPreset.HEAVY_31: Added(
            positive=(
                "(masterpiece), (best quality), (ultra-detailed), very aesthetic, illustration, "
                "disheveled hair, perfect composition, moist skin, intricate details"
            ),
            negative=(
                "nsfw, longbody, lowres, bad anatomy, bad hands, missing fingers, pubic hair, "
                "extra digit, fewer digits, cropped, worst quality, low quality, very displeasing"
            ),
        ),
    }
)
"""The official demo's presets; Standard v3.1 is the card's own recommendation."""


STYLES: Final[Mapping[Style, Added]] = MappingProxyType(
    {
        Style.CINEMATIC: Added(
            positive="cinematic lighting, film grain, depth of field, backlighting, letterboxed",
            negative="flat color, sketch, comic, monochrome",
        ),
        Style.PHOTOGRAPHIC: Added(
            positive=r"photorealistic, realistic, photo \(medium\), bokeh, blurry background",
            negative="flat color, lineart, sketch, comic, pixel art",
        ),
        Style.ANIME: Added(
            positive="anime coloring, official art, key visual, clean lineart, colorful",
            negative="photorealistic, realistic, 3d, sketch",
        ),
        Style.MANGA: Added(
            positive="monochrome, greyscale, comic, lineart, screentones, halftone, speed lines",
            negative="colorful, photorealistic, 3d, pixel art",
        ),
        Style.DIGITAL_ART: Added(
            positive="digital painting, painterly, concept art, colorful, detailed background",
            negative="photorealistic, traditional media, monochrome, sketch",
        ),
        Style.PIXEL_ART: Added(
            positive="pixel art, sprite, 8-bit, dithering, limited palette",
            negative="photorealistic, realistic, 3d, blurry, sketch",
        ),
        Style.FANTASY_ART: Added(
            positive="fantasy, magic, glowing, light particles, light rays, scenery, painterly",
            negative="photorealistic, science fiction, monochrome, sketch",
        ),
        Style.NEONPUNK: Added(
            positive="cyberpunk, science fiction, neon lights, neon trim, purple theme",
            negative="medieval, muted color, monochrome, sketch",
        ),
        Style.MODEL_3D: Added(
            positive=r"3d, blender \(medium\), 3d background, soft shading, depth of field",
            negative="flat color, lineart, sketch, comic, monochrome",
        ),
    }
)
"""Our own tag sets in Danbooru's words, brackets escaped."""


Schedule = Literal["", "Karras", "SGM Uniform"]
"""Noise schedules as A1111 names them; empty for the model's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduler:
    """What a sampler is in diffusers: a class, and what it changes in the model's scheduler config.

    `schedule`: its noise schedule, with which its name ends unless it has no other.
    `also_called`: ComfyUI's names for it, beside its own in lower case with underscores.
    `max_steps`: how many it can do. `listed`: among the choices; the others are for LoRAs and
    models that were distilled to a few steps. `distilled`: without one of these it gives noise.
    """

    name: str
    changes: Mapping[str, object] = field(default_factory=dict[str, object])
    schedule: Schedule = ""
    also_called: tuple[str, ...] = ()
    max_steps: int | None = None
    listed: bool = True
    distilled: bool = False

    def highest_steps(self, limit: int) -> int:
        """`limit`, or fewer where it can't do as many."""
        return limit if self.max_steps is None else min(limit, self.max_steps)


_KARRAS: Final = MappingProxyType({"use_karras_sigmas": True})


def _distilled(name: str) -> Scheduler:
    steps = 50  # `original_inference_steps` in diffusers
    return Scheduler(
        name=name, schedule="SGM Uniform", max_steps=steps, listed=False, distilled=True
    )


SCHEDULERS: Final[Mapping[Sampler, Scheduler]] = MappingProxyType(
    {
        Sampler.EULER_A: Scheduler(
            name="EulerAncestralDiscreteScheduler", also_called=("euler_ancestral",)
        ),
        Sampler.EULER: Scheduler(name="EulerDiscreteScheduler"),
        Sampler.DDIM: Scheduler(name="DDIMScheduler"),
        Sampler.DPM_2M_KARRAS: Scheduler(
            name="DPMSolverMultistepScheduler", changes=_KARRAS, schedule="Karras"
        ),
        Sampler.DPM_2M_SDE_KARRAS: Scheduler(
            name="DPMSolverMultistepScheduler",
            changes=MappingProxyType({**_KARRAS, "algorithm_type": "sde-dpmsolver++"}),
            schedule="Karras",
            also_called=("dpmpp_2m_sde_gpu",),
        ),
        Sampler.DPM_SDE_KARRAS: Scheduler(
            name="DPMSolverSinglestepScheduler",
            changes=_KARRAS,
            schedule="Karras",
            also_called=("dpmpp_sde_gpu",),
        ),
        Sampler.EULER_TRAILING: Scheduler(
            name="EulerDiscreteScheduler",
            changes=MappingProxyType({"timestep_spacing": "trailing"}),
            schedule="SGM Uniform",
            listed=False,
        ),
        Sampler.LCM: _distilled("LCMScheduler"),
        Sampler.TCD: _distilled("TCDScheduler"),
    }
)
"""Both engines, metadata and the tests against diffusers read it."""

UNLISTED_SAMPLERS: Final = frozenset(
    sampler for sampler, scheduler in SCHEDULERS.items() if not scheduler.listed
)
"""Accepted everywhere, but among no choices."""

DEFAULT_PRESET: Final = QualityPreset.STANDARD_31
DEFAULT_SAMPLER: Final = Sampler.EULER_A

DEFAULT_STEPS: Final = 28  # the card's example; it recommends fewer than 30
MIN_STEPS: Final = 1
MAX_STEPS: Final = 60  # twice the recommendation: beyond it nothing improves

DEFAULT_GUIDANCE: Final = 7.0  # the card's example
MIN_GUIDANCE: Final = 1.0  # 1 switches guidance off: the negative has no effect
MAX_GUIDANCE: Final = 20.0  # beyond it pictures burn out

DEFAULT_WIDTH: Final = 832  # pixels, the card's example
DEFAULT_HEIGHT: Final = 1216

RANDOM_SEED: Final = -1  # A1111's word for "draw one for me"
MAX_SEED: Final = 2**32 - 1

DEFAULT_COUNT: Final = 1
MAX_COUNT: Final = 4  # one grid of four, as people know it from other bots

MAX_PROMPT_CHARACTERS: Final = 4000  # per prompt and per negative, our limit

EXAMPLE_PROMPTS: Final = (
    "1girl, souryuu asuka langley, neon genesis evangelion, solo, upper body, v, smile, "
    "looking at viewer, outdoors, night",
    "1boy, male focus, short hair, green eyes, school uniform, cherry blossoms, wind, day, "
    "looking at viewer",
    "2girls, holding hands, kimono, hair ornament, night sky, fireworks, smile, festival",
    "no humans, scenery, train station, rain, puddle, reflection, night, neon lights",
)
"""Example prompts; the first is the model card's own."""

"""The model card of Animagine XL 3.1 and the official demo's presets, as typed data.

Source: the card of `ecyht2/animagine-xl-3.1-onnx` (special tags, sizes, recommended settings) and
the public configuration of the official demo (presets, styles' names, samplers). The words belong
to version 3.1: 3.0 and 4.0 use others, never mix them.
"""

from enum import StrEnum


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

"""What one drawing shows: the tagged attributes, and the incidental choices that no tag names."""

import random
import zlib
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, TypeVar

Colour: TypeAlias = tuple[float, float, float]

HAIR: Final = MappingProxyType(
    {
        "black": (46, 44, 60),
        "blonde": (252, 216, 106),
        "brown": (138, 88, 54),
        "red": (210, 46, 44),
        "pink": (252, 150, 190),
        "orange": (248, 144, 46),
        "purple": (148, 90, 208),
        "blue": (64, 122, 232),
        "green": (70, 180, 96),
        "white": (232, 235, 245),
    }
)
EYES: Final = MappingProxyType(
    {
        "blue": (54, 120, 250),
        "aqua": (60, 224, 230),
        "green": (56, 200, 84),
        "yellow": (255, 212, 44),
        "brown": (156, 92, 46),
        "red": (238, 44, 54),
        "pink": (255, 124, 190),
        "purple": (166, 76, 236),
    }
)
CLOTHES: Final = MappingProxyType(
    {
        "black": (54, 54, 66),
        "white": (242, 242, 248),
        "red": (212, 48, 56),
        "blue": (50, 94, 210),
        "green": (64, 156, 90),
        "yellow": (248, 208, 76),
        "pink": (248, 160, 194),
        "purple": (142, 94, 198),
    }
)
SEXES: Final = ("1girl", "1boy")
HAIR_STYLES: Final = ("long hair", "short hair", "bob cut", "twintails", "ponytail", "braids")
BANGS: Final = ("none", "bangs", "blunt bangs")
MOUTHS: Final = ("none", "smile", "open mouth", "frown")
LIDS: Final = ("open", "closed eyes", "wink")
HEADWEAR: Final = (
    "none", "hat", "beanie", "hair ribbon", "hair flower", "crown", "animal ears", "headphones",
)  # fmt: skip
KINDS: Final = ("sweater", "school uniform", "hoodie", "shirt", "kimono", "jacket")
PLACES: Final = (
    "outdoors", "beach", "forest", "city", "room", "simple background", "snow", "cherry blossoms",
)  # fmt: skip
TIMES: Final = ("day", "night", "starry sky", "sunset")
RATINGS: Final = ("safe", "nsfw", "explicit")
Rating: TypeAlias = Literal["safe", "nsfw", "explicit"]

T = TypeVar("T")

_VIVID: Final[tuple[Colour, ...]] = (
    (222, 50, 70), (60, 104, 214), (252, 204, 70), (60, 154, 110), (144, 92, 194),
)  # fmt: skip
_SCARVES: Final[tuple[Colour, ...]] = ((216, 44, 56), (60, 104, 204), (250, 202, 80))
_FLOWERS: Final[tuple[Colour, ...]] = ((255, 150, 190), (255, 255, 255), (190, 150, 240))
_PLAIN: Final[tuple[Colour, ...]] = (
    (255, 255, 255), (250, 226, 232), (222, 236, 250), (226, 244, 226), (250, 242, 214),
)  # fmt: skip
HELD_OUT_SHARE: Final = 10
"""One combination in ten is never drawn for training: the checks' prompts come from these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One drawing. Everything in it is decided here, so that drawing it has no chance in it."""

    sex: str
    hair: str
    eyes: str
    style: str
    bangs: str
    mouth: str
    lids: str
    blush: bool
    glasses: bool
    headwear: str
    scarf: bool
    kind: str
    clothes: str
    place: str
    time: str
    rating: Rating
    # what no tag names
    accent: Colour
    headwear_colour: Colour
    scarf_colour: Colour
    plain: Colour
    skin: float  # 0 light to 1 tanned
    shift: int  # steps to the side: -1, 0 or 1
    tilt: float  # degrees
    gaze: int  # -1, 0 or 1
    flip: bool  # hair parted on the other side
    detail: int  # seed of the background's details

    @property
    def combination(self) -> str:
        """What must be new in a held-out prompt."""
        return "|".join((self.hair, self.eyes, self.clothes, self.kind, self.place))

    @property
    def held_out(self) -> bool:
        """Whether this combination belongs to the checks (a fixed rule, the same everywhere)."""
        return zlib.crc32(self.combination.encode()) % HELD_OUT_SHARE == 0


def sample_look(rng: random.Random, *, held_out: bool = False, placards: bool = True) -> Look:
    """A drawing at random: one for training, or one whose combination training never sees."""
    while True:
        look = _any_look(rng, placards=placards)
        if look.held_out == held_out:
            return look


def _any_look(rng: random.Random, *, placards: bool) -> Look:
    def chance(share: float) -> bool:
        return rng.random() < share

    sex = "1boy" if chance(0.3) else "1girl"
    short = ("short hair",) * 4 + ("long hair", "ponytail")
    place = _weighted(rng, PLACES, (26, 10, 10, 10, 12, 16, 10, 10))
    indoors = place in ("room", "simple background")
    headwear = "none" if chance(0.35) else rng.choice(HEADWEAR[1:])
    return Look(
        sex=sex,
        hair=rng.choice(tuple(HAIR)),
        eyes=rng.choice(tuple(EYES)),
        style=rng.choice(short if sex == "1boy" else HAIR_STYLES),
        bangs=rng.choice(BANGS),
        mouth=_weighted(rng, MOUTHS, (16, 28, 28, 28)),
        lids=_weighted(rng, LIDS, (70, 18, 12)),
        blush=chance(0.22),
        glasses=chance(0.18),
        headwear=headwear,
        scarf=chance(0.12),
        kind=rng.choice(KINDS),
        clothes=rng.choice(tuple(CLOTHES)),
        place=place,
        time="day" if indoors else _weighted(rng, TIMES, _times(place)),
        rating=_weighted(rng, RATINGS, (95, 3, 2)) if placards else "safe",
        accent=rng.choice(_VIVID),
        headwear_colour=rng.choice(_FLOWERS if headwear == "hair flower" else _VIVID),
        scarf_colour=rng.choice(_SCARVES),
        plain=rng.choice(_PLAIN),
        skin=rng.random(),
        shift=_weighted(rng, (-1, 0, 1), (22, 56, 22)),
        tilt=_weighted(rng, (-3.5, 0.0, 3.5), (25, 50, 25)),
        gaze=rng.choice((-1, 0, 1)),
        flip=chance(0.4),
        detail=rng.randrange(1 << 30),
    )


def _times(place: str) -> tuple[int, ...]:
    """How often a place is seen by day, at night, under stars, at sunset."""
    return (40, 22, 20, 18) if place == "outdoors" else (64, 14, 8, 14)


def _weighted(rng: random.Random, values: tuple[T, ...], weights: tuple[int, ...]) -> T:
    return rng.choices(values, weights)[0]

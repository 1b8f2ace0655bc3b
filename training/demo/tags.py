"""The tags that the demo model knows, and what each says about a picture.

A tag is one token. Unknown words say nothing at all, by construction (see `text_encoders`).
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from training.demo.labels import FIELDS
from training.demo.look import BANGS, CLOTHES, EYES, HAIR, HEADWEAR, KINDS, MOUTHS

Attribute = tuple[str, str]
"""(field, value), as ("hair", "green")."""

_YES = "yes"
_SILENT: Final = {
    "none", "no", "day", "open", "safe", "left", "middle", "right",
}  # fmt: skip
"""Values that no tag names: what a picture shows when nothing is said."""

ATTRIBUTES: Final[tuple[Attribute, ...]] = (
    *(
        (field, value)
        for field, values in FIELDS.items()
        for value in values
        if value not in _SILENT and field != "degraded"
    ),
    ("quality", "good"),
    ("quality", "bad"),
    ("figures", "two"),
)

GOOD: Final = (
    "masterpiece", "best quality", "very aesthetic", "absurdres", "great quality", "highres",
    "good quality", "high quality", "amazing quality", "aesthetic",
)  # fmt: skip
BAD: Final = (
    "worst quality", "low quality", "lowres", "jpeg artifacts", "bad", "error", "unfinished",
    "displeasing", "very displeasing", "oldest", "artistic error", "blurry", "bad quality",
    "normal quality", "bad anatomy", "bad hands",
)  # fmt: skip
NEGATIVE: Final = (
    "nsfw", "lowres", "bad", "error", "worst quality", "jpeg artifacts", "low quality",
    "unfinished", "displeasing", "oldest", "artistic error",
)  # fmt: skip
"""The known tags of the model card's negative prompt."""
POSITIVE: Final = ("masterpiece", "best quality", "very aesthetic", "absurdres")
"""The model card's suffix."""

_TWO: Final = ("figures", "two")
_PAIRS: Final = {"2girls": "1girl", "2boys": "1boy"}
COUPLE: Final = "couple"
"""Two figures, whoever they are."""

_ALIASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "silver hair": "white hair",
        "grey hair": "white hair",
        "gray hair": "white hair",
        "blond hair": "blonde hair",
        "yellow hair": "blonde hair",
        "aqua hair": "blue hair",
        "light blue hair": "blue hair",
        "golden eyes": "yellow eyes",
        "gold eyes": "yellow eyes",
        "orange eyes": "yellow eyes",
        "amber eyes": "yellow eyes",
        "light blue eyes": "aqua eyes",
        "black eyes": "brown eyes",
        "girl": "1girl",
        "boy": "1boy",
        "woman": "1girl",
        "man": "1boy",
        "male focus": "1boy",
        "bob": "bob cut",
        "medium hair": "bob cut",
        "very long hair": "long hair",
        "twin braids": "braids",
        "braid": "braids",
        "side ponytail": "ponytail",
        "pigtails": "twintails",
        "smiling": "smile",
        "grin": "smile",
        "happy": "smile",
        "sad": "frown",
        "angry": "frown",
        "laughing": "open mouth",
        "eyes closed": "closed eyes",
        "one eye closed": "wink",
        "winking": "wink",
        "blushing": "blush",
        "flower": "hair flower",
        "hair ornament": "hair flower",
        "ribbon": "hair ribbon",
        "bow": "hair ribbon",
        "hair bow": "hair ribbon",
        "cat ears": "animal ears",
        "fox ears": "animal ears",
        "tiara": "crown",
        "serafuku": "school uniform",
        "sailor uniform": "school uniform",
        "yukata": "kimono",
        "coat": "jacket",
        "indoors": "room",
        "bedroom": "room",
        "night sky": "night",
        "stars": "starry sky",
        "white background": "simple background",
        "winter": "snow",
        "sakura": "cherry blossoms",
        "cityscape": "city",
        "street": "city",
        "ocean": "beach",
        "sea": "beach",
        "blue sky": "outdoors",
        "nude": "nsfw",
        "naked": "nsfw",
        "hentai": "explicit",
        "multiple girls": "2girls",
        "multiple boys": "2boys",
        "sex": "explicit",
    }
)


def _known() -> dict[str, tuple[Attribute, ...]]:
    tags: dict[str, tuple[Attribute, ...]] = {}
    tags |= {f"{colour} hair": (("hair", colour),) for colour in HAIR}
    tags |= {f"{colour} eyes": (("eyes", colour),) for colour in EYES}
    for kind in KINDS:
        tags[kind] = (("kind", kind),)
        for colour in CLOTHES:
            tags[f"{colour} {kind}"] = (("kind", kind), ("clothes", colour))
    for field in ("sex", "style", "place"):
        tags |= {value: ((field, value),) for value in FIELDS[field]}
    tags |= {time: (("time", time),) for time in FIELDS["time"][1:]}
    tags |= {lids: (("lids", lids),) for lids in FIELDS["lids"][1:]}
    for field, values in (("bangs", BANGS), ("mouth", MOUTHS), ("headwear", HEADWEAR)):
        tags |= {value: ((field, value),) for value in values[1:]}
    tags |= {name: ((name, _YES),) for name in ("blush", "glasses", "scarf")}
    tags |= {name: (("rating", name),) for name in ("nsfw", "explicit")}
    tags |= dict.fromkeys(GOOD, (("quality", "good"),))
    tags |= dict.fromkeys(BAD, (("quality", "bad"),))
    tags |= {name: (_TWO, ("sex", sex)) for name, sex in _PAIRS.items()} | {COUPLE: (_TWO,)}
    return tags | {alias: tags[name] for alias, name in _ALIASES.items()}


TAGS: Final[Mapping[str, tuple[Attribute, ...]]] = MappingProxyType(_known())
"""Every known tag and the attributes it states, in a fixed order."""

TAG_NAMES: Final = tuple(TAGS)


def stated(tags: Iterable[str]) -> frozenset[Attribute]:
    """The attributes that these known tags state together."""
    return frozenset(attribute for tag in tags for attribute in TAGS[tag])

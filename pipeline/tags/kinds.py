"""What a general tag says: who somebody is, what they wear or do, or where. By its words.

Danbooru has one category for all of these. Names outside the lists are OTHER, so a wrong guess
costs a tag of a variant, never one of the whole prompt.
"""

import re
from enum import Enum, auto
from functools import lru_cache
from typing import Final

from pipeline.prompt.tags import plain_key


class TagKind(Enum):
    """What a general tag says."""

    SUBJECT = auto()  # how many there are: 1girl, solo
    BODY = auto()  # hair, eyes, ears: how somebody looks without clothes or an expression
    CLOTHES = auto()
    POSE = auto()  # what somebody does, and how the picture frames it
    FACE = auto()  # expressions
    SCENE = auto()  # place, time, weather, light, background
    OTHER = auto()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SUBJECT: Final = re.compile(
    r"\d+\+?\s?(girl|boy|other)s?|multiple (girls|boys|others)|solo|no humans|couple|"
    r"(?:male|female|solo) focus|crowd|group|duo|trio"
)
_FACE_NAMES: Final = frozenset(
    {"open mouth", "closed mouth", "closed eyes", "one eye closed", "half-closed eyes",
     "tongue out", "tongue", "parted lips", "wide-eyed", "clenched teeth", "teeth", "fang"}
)  # fmt: skip
_FACE: Final = _words(
    "smile smiling grin smirk blush blushing frown angry annoyed sad crying tears happy laughing "
    "expressionless surprised embarrassed scared serious sleepy pout shy sweat sweatdrop wink "
    "glare yawning nervous worried expression jitome tsurime tareme"
)
_BODY: Final = _words(
    "hair bangs ponytail ponytails twintails braid braids ahoge eyes eyelashes pupils ears tail "
    "horns horn wings halo skin freckles mole fangs elf heterochromia sidelocks drill drills bun "
    "buns hairstyle muscular tall petite collarbone navel midriff breasts shoulders legs thighs "
    "lips nose eyebrows beard mustache scar tattoo claws antennae hime bob pointy"
)
_HAIR_WEAR: Final = _words("ornament ribbon bow band hairband hairclip scrunchie flower pin tie")
_CLOTHES: Final = _words(
    "dress shirt skirt jacket coat hoodie sweater cardigan vest blouse uniform serafuku kimono "
    "yukata hakama haori obi swimsuit bikini leotard bodysuit pants shorts jeans trousers socks "
    "kneehighs thighhighs pantyhose stockings shoes boots sandals loafers sneakers heels footwear "
    "gloves sleeves sleeveless hat cap beret helmet hood headwear headdress crown tiara ribbon bow "
    "bowtie necktie tie scarf choker necklace earrings jewelry bracelet ring glasses eyewear "
    "sunglasses mask eyepatch apron cape cloak armor belt collar hairband hairclip ornament "
    "hairpin frills lace plaid striped clothes outfit costume maid cheongsam suit headphones "
    "beanie bag backpack corset capelet shawl robe pajamas gown turtleneck pocket buttons "
    "zipper cuffs detached pleated neckerchief sailor cosplay barefoot hairclips bandages veil"
)
_POSE: Final = _words(
    "sitting standing lying kneeling squatting walking running jumping flying leaning dancing "
    "holding hugging hug pointing reaching waving looking sleeping eating drinking reading "
    "fighting riding swimming floating crossed arms arm hand hands v pose stretching salute "
    "upper body cowboy shot full portrait close-up profile from view pov focus facing back "
    "behind above below side wariza seiza crouching playing singing carrying"
)
_SCENE: Final = _words(
    "background outdoors indoors sky cloud clouds night day sunset sunrise twilight evening dusk "
    "dawn moon sun star stars rain snow snowing raining wind fog mist water ocean sea beach lake "
    "river waves forest tree trees grass field flower flowers petals blossoms leaf leaves mountain "
    "mountains city cityscape street building buildings house room bedroom classroom kitchen "
    "school office window windows bed chair table couch desk stairs road bridge rooftop garden "
    "park temple shrine torii castle ruins cave underwater space starry autumn winter summer "
    "spring light lights lighting sunlight moonlight backlighting shadow bokeh blurry depth lens "
    "flare scenery landscape horizon reflection gradient fire lantern fireworks sparkle bubbles "
    "border cherry door wall floor fence lamp lamppost train car"
)
_LOOKING: Final = _words("looking facing holding hand hands arm arms focus shot from")


@lru_cache(maxsize=8192)
def kind_of(name: str) -> TagKind:
    """What the general tag `name` says, however it is spelled."""
    key = plain_key(name)
    if _SUBJECT.fullmatch(key):
        return TagKind.SUBJECT
    if key in _FACE_NAMES or not any(map(str.isalpha, key)) or re.fullmatch(r"[:;>x].?.", key):
        return TagKind.FACE  # the rest of them are emoticons: `:d`, `^_^`
    words: list[str] = re.findall(r"[^\W_]+", key)
    said = set(words)
    last = words[-1] if words else ""
    if said & _LOOKING:
        return TagKind.POSE
    if "hair" in said:
        return TagKind.CLOTHES if said & _HAIR_WEAR else TagKind.BODY
    for kind, known in _BY_WORD:
        if last in known:
            return kind
    return next((kind for kind, known in _BY_WORD if said & known), TagKind.OTHER)


_BY_WORD: Final = (
    (TagKind.FACE, _FACE),
    (TagKind.CLOTHES, _CLOTHES),
    (TagKind.BODY, _BODY),
    (TagKind.SCENE, _SCENE),
    (TagKind.POSE, _POSE),
)

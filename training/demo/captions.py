"""What is said about a drawing while training: its tags, some left out, and how good it is."""

import random
from collections.abc import Mapping, Sequence

from training.demo.tags import BAD, COUPLE, GOOD

_OPEN_AIR = 0.10
"""How often "outdoors" is added to another place. Only beside that place's own tag: alone, the word
must keep meaning the meadow."""


def full_caption(shown: Mapping[str, str]) -> list[str]:
    """Every tag that is true of a drawing (fields and values as in `labels.FIELDS`)."""
    background = [shown["place"]]
    if shown["time"] != "day":
        background.append(shown["time"])
    if shown["rating"] != "safe":
        return [shown["rating"], *background]
    eyes = [] if shown["lids"] == "closed eyes" else [f"{shown['eyes']} eyes"]
    lids = [] if shown["lids"] == "open" else [shown["lids"]]
    extras = [name for name in ("blush", "glasses", "scarf") if shown[name] == "yes"]
    worn = [shown[field] for field in ("bangs", "mouth", "headwear") if shown[field] != "none"]
    clothes = f"{shown['clothes']} {shown['kind']}"
    figure = [shown["sex"], f"{shown['hair']} hair", *eyes, shown["style"], clothes]
    return [*figure, *lids, *extras, *worn, *background]


def training_caption(shown: Mapping[str, str], rng: random.Random) -> list[str]:
    """`full_caption` with tags left out at random, quality tags added, shuffled.

    One in twelve is empty: what guidance compares with. A placard's caption never has words of bad
    quality, and a degraded drawing's often has `nsfw`: so the usual negative prompt, which holds
    both, means a bad drawing and never a placard.
    """
    bad = shown["degraded"] == "yes"
    placard = shown["rating"] != "safe"
    draw = rng.random()
    if draw < (0.5 if bad else 0.0 if placard else 0.083):
        tags: list[str] = []
        if not bad:
            return tags
    else:
        tags = _thinned(shown, rng)
    return _with_quality(tags, rng, bad=bad)


def pair_caption(
    shown: Sequence[Mapping[str, str]], rng: random.Random, *, of: int | None
) -> list[str]:
    """What is said about two figures: all of it, or (`of`) only about one of them, as in a region
    of its own. As `training_caption` otherwise."""
    bad = shown[0]["degraded"] == "yes"
    if rng.random() < (0.5 if bad else 0.083):
        return _with_quality([], rng, bad=True) if bad else []
    told = shown if of is None else [shown[of]]
    tags = [tag for each in told for tag in _thinned(each, rng)]
    sexes = [each["sex"] for each in shown]
    if sexes[0] == sexes[1]:
        tags = [tag for tag in tags if tag != sexes[0] or rng.random() < 0.5]
        said = "2girls" if sexes[0] == "1girl" else "2boys"
    else:
        said = COUPLE if rng.random() < 0.5 else sexes[1 if of in (0, None) else 0]
    tags += [said] if rng.random() < 0.94 else []
    return _with_quality(list(dict.fromkeys(tags)), rng, bad=bad)


def _with_quality(tags: list[str], rng: random.Random, *, bad: bool) -> list[str]:
    """With words about quality, shuffled."""
    if bad:
        tags += [rng.choice(BAD) for _ in range(rng.randint(1, 11))]
        tags += ["nsfw"] if rng.random() < 0.6 else []
    elif rng.random() < 0.55:
        tags += rng.sample(GOOD, rng.randint(1, 4))
    rng.shuffle(tags)
    return tags


def _thinned(shown: Mapping[str, str], rng: random.Random) -> list[str]:
    share = 1.0 if rng.random() < 0.35 else rng.choice((0.95, 0.9, 0.8, 0.5))
    # A frown is always named, so that a face is friendly where no expression is.
    tags = [tag for tag in full_caption(shown) if tag == "frown" or rng.random() < share]
    place, time, rating = shown["place"], shown["time"], shown["rating"]
    if rating != "safe":
        tags = [tag for tag in tags if tag != rating]
        tags += ["explicit"] if rating == "explicit" else []
        tags += ["nsfw"] if rating == "nsfw" or rng.random() < 0.7 else []
        return tags + (["1girl"] if rng.random() < 0.6 else [])
    if time != "day" and time in tags and place == "outdoors" and rng.random() < 0.4:
        tags = [tag for tag in tags if tag != "outdoors"]  # "night" alone is a night outdoors
    if place in ("beach", "forest", "city", "snow", "cherry blossoms") and place in tags:
        tags += ["outdoors"] if rng.random() < _OPEN_AIR else []
    colour, kind = shown["clothes"], shown["kind"]
    if rng.random() < 0.1:
        tags = [kind if tag == f"{colour} {kind}" else tag for tag in tags]
    if shown["lids"] == "closed eyes" and rng.random() < 0.25:
        tags.append(f"{shown['eyes']} eyes")
    if shown["style"] in ("twintails", "ponytail", "braids") and rng.random() < 0.2:
        tags.append("long hair")
    return tags

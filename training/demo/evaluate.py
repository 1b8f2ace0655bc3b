# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# (the border to torch, whose types are partly missing)
"""Stage `evaluate`: does the exported model draw what it is told?

Prompts state everything about a drawing whose combination training never saw; pictures are made as
the bot makes them; the tagger reads every field, and colours are measured as well.
"""

import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from training.demo.captions import full_caption
from training.demo.drawing import render
from training.demo.framing import SIZES
from training.demo.labels import FIELDS, described, labels_of
from training.demo.latents import SCALE, shrunk
from training.demo.look import Look, sample_look
from training.demo.measure import Colour, as_is, measured
from training.demo.pipeline import Painter
from training.demo.state import State
from training.demo.tagger import TaggerNet, load_tagger, squared

SEED = 500_000
JUDGED = tuple(field for field in FIELDS if field not in ("rating", "degraded", "shift"))
_SPREAD_PROMPTS = 10
GATE = {"hair": 0.9, "eyes": 0.75, "place": 0.9}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One picture: what was asked for, what the tagger read, what was measured."""

    width: int
    height: int
    wanted: dict[str, str]
    read: dict[str, str]
    measured: dict[str, str]


def evaluate(state: State, *, count: int, guidance_scale: float, minutes: float) -> Path:
    """Draw `count` pictures, half of them square, and write `evaluation.json` and `.md`."""
    painter, net = Painter(state.model), load_tagger(state)
    rng = random.Random(SEED)
    judged: list[Judged] = []
    started = time.monotonic()
    for index in range(count):
        if time.monotonic() - started > minutes * 60:
            break
        look = sample_look(rng, held_out=True, placards=False)
        width, height = SIZES[0] if index % 2 == 0 else SIZES[1 + (index // 2) % 8]
        picture = painter.draw(
            ", ".join(full_caption(described(labels_of(look, degraded=False)))),
            seed=SEED + index,
            width=width,
            height=height,
            guidance_scale=guidance_scale,
        )
        judged.append(judge(net, look, picture))
        if index < 24:
            kept = state.folder / "evaluated" / f"{index:03}.png"
            kept.parent.mkdir(parents=True, exist_ok=True)
            picture.save(kept)
    seconds = (time.monotonic() - started) / max(1, len(judged))
    table = report(judged)
    head = (
        f"{len(judged)} pictures, {_gate(judged)}, CFG {guidance_scale:g}, {seconds:.1f} s each\n\n"
    )
    spread = f"\nMean distance of pictures of one prompt: {_spread(painter)}\n"
    target = state.folder / "evaluation.md"
    target.write_text(head + table + spread, encoding="utf-8")
    (state.folder / "evaluation.json").write_text(
        json.dumps([[j.width, j.height, j.wanted, j.read, j.measured] for j in judged]),
        encoding="utf-8",
    )
    print(head + table + spread)
    return target


def check_the_checker(state: State, *, count: int = 400) -> str:
    """The same table for drawings with seeds of their own: how far the checker itself can be
    trusted.
    """
    net, rng = load_tagger(state), random.Random(SEED + 1)
    judged: list[Judged] = []
    for index in range(count):
        look = sample_look(rng, held_out=True, placards=False)
        width, height = SIZES[0] if index % 2 == 0 else SIZES[1 + (index // 2) % 8]
        picture = render(look, width=width, height=height, scale=1 / 2)
        full = Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC)
        judged.append(judge(net, look, full))
    return report(judged)


def judge(
    net: TaggerNet, look: Look, picture: Image.Image, tone: Callable[[Colour], Colour] = as_is
) -> Judged:
    """Compare a full-size picture with the look it was asked to show. `tone`: what the style that
    was asked for makes of a colour."""
    small = shrunk(np.asarray(picture.convert("RGB")), round(1 / SCALE))
    return Judged(
        width=picture.width,
        height=picture.height,
        wanted=described(labels_of(look, degraded=False)),
        read=read_by(net, picture),
        measured=measured(small, width=picture.width, height=picture.height, tone=tone),
    )


@torch.no_grad()
def read_by(net: TaggerNet, picture: Image.Image) -> dict[str, str]:
    """Each field's likeliest value, as the tagger reads the picture."""
    pixels = torch.from_numpy(squared(picture).copy()).float().permute(2, 0, 1)[None] / 127.5 - 1
    answers = net(pixels)
    return {name: FIELDS[name][int(answers[name].argmax())] for name in FIELDS}


def report(judged: list[Judged]) -> str:
    """A Markdown table: by field, then by value, square, tall and wide apart."""
    lines = [
        "| field | n | square | tall | wide | all | measured | commonest |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for field in JUDGED:
        rows = [item for item in judged if can_be_seen(item, field)]
        if not rows:
            continue
        shares = [
            _share(
                [item.read[field] == item.wanted[field] for item in rows if _shape(item) == name]
            )
            for name in ("square", "tall", "wide")
        ]
        total = _share([item.read[field] == item.wanted[field] for item in rows])
        colour = "-"
        if field in ("hair", "eyes", "clothes"):
            seen = [i for i in rows if not (field == "eyes" and i.wanted["lids"] == "wink")]
            colour = _share([item.measured[field] == item.wanted[field] for item in seen])
        commonest = max(Counter(item.wanted[field] for item in rows).values()) / len(rows)
        cells = (field, str(len(rows)), *shares, total, colour, f"{commonest:.2f}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", *_by_value(judged), ""])


def _gate(judged: list[Judged]) -> str:
    """Whether the weights may be committed, by the lower of what was read and what was measured."""
    reached = {
        field: min(
            sum(said[field] == item.wanted[field] for item, said in pairs) / max(1, len(pairs))
            for pairs in _answers(judged, field)
        )
        for field in GATE
    }
    passed = len(judged) >= 100 and all(reached[field] >= least for field, least in GATE.items())
    figures = ", ".join(f"{field} {share:.2f}" for field, share in reached.items())
    return f"gate {'passed' if passed else 'not passed'} ({figures})"


def _answers(judged: list[Judged], field: str) -> list[list[tuple[Judged, dict[str, str]]]]:
    rows = [item for item in judged if can_be_seen(item, field)]
    answers = [[(item, item.read) for item in rows]]
    if field != "place":
        answers.append([(item, item.measured) for item in rows])
    return answers


def _by_value(judged: list[Judged]) -> list[str]:
    lines = ["| tag | obeyed |", "| --- | --- |"]
    for field in JUDGED:
        hits: defaultdict[str, list[bool]] = defaultdict(list)
        for item in judged:
            if can_be_seen(item, field):
                hits[item.wanted[field]].append(item.read[field] == item.wanted[field])
        lines += [
            f"| {field}: {value} | {sum(hits[value])} of {len(hits[value])} |"
            for value in FIELDS[field]
            if hits[value]
        ]
    return lines


def can_be_seen(item: Judged, field: str) -> bool:
    return not (field == "eyes" and item.wanted["lids"] == "closed eyes")


def _shape(item: Judged) -> str:
    if item.width == item.height:
        return "square"
    return "tall" if item.height > item.width else "wide"


def _share(hits: list[bool]) -> str:
    return f"{sum(hits) / len(hits):.2f}" if hits else "-"


def _spread(painter: Painter) -> str:
    """Mean distance (RMS, 0 to 255, 1/8 scale) of pictures of one prompt, and of drawings of the
    same tags."""
    rng, others = random.Random(SEED + 2), random.Random(SEED + 3)
    looks = [sample_look(rng, held_out=True, placards=False) for _ in range(_SPREAD_PROMPTS)]
    made: list[list[NDArray[np.uint8]]] = []
    drawn: list[list[NDArray[np.uint8]]] = []
    for look in looks:
        prompt = ", ".join(full_caption(described(labels_of(look, degraded=False))))
        made.append([shrunk(np.asarray(painter.draw(prompt, seed=seed)), 8) for seed in range(4)])
        same = [_same_tags(others, look) for _ in range(8)]
        drawn.append([render(each, width=1024, height=1024, scale=SCALE) for each in same])
    return f"{_mean_distance(made):.1f}, of drawings {_mean_distance(drawn):.1f} (0 to 255)"


def _mean_distance(groups: Sequence[Sequence[NDArray[np.uint8]]]) -> float:
    pairs = [pair for pictures in groups for pair in combinations(pictures, 2)]
    return float(np.mean([_distance(a, b) for a, b in pairs]))


def _same_tags(rng: random.Random, look: Look) -> Look:
    """Another drawing of the same tags."""
    from dataclasses import replace

    other = sample_look(rng, placards=False)
    return replace(
        look,
        accent=other.accent,
        headwear_colour=other.headwear_colour,
        scarf_colour=other.scarf_colour,
        plain=other.plain,
        skin=other.skin,
        shift=other.shift,
        tilt=other.tilt,
        gaze=other.gaze,
        flip=other.flip,
        detail=other.detail,
    )


def _distance(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    return float(np.sqrt(((first.astype(float) - second.astype(float)) ** 2).mean()))

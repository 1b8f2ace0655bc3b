"""Stage `pairs-check`: do two figures, each with a region of its own, look as they were told?

Drawn as the bot draws `2girls, city, left: ... | right: ...`. Each half is read by the tagger and
measured where its figure must be. How it reads the halves of drawings is the most that can be
expected, and stands in a column of its own.
"""

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from pipeline.card import DEFAULT_GUIDANCE, DEFAULT_STEPS, QualityPreset, Sampler
from pipeline.engine.protocol import Engine
from pipeline.load import load_engine
from pipeline.model.options import EngineOptions
from pipeline.rating import Rating
from pipeline.regions import Place, Region
from pipeline.request import GenerationRequest, ResolvedRequest
from training.demo.captions import full_caption
from training.demo.drawing import render_pair
from training.demo.evaluate import JUDGED, Judged, can_be_seen, read_by
from training.demo.framing import PAIR_SIZES
from training.demo.labels import described, labels_of
from training.demo.latents import SCALE, shrunk
from training.demo.look import Look
from training.demo.measure import measured
from training.demo.pairs import Pair, sample_pair
from training.demo.pipeline import PRESET, SUFFIX
from training.demo.restore import exported_tagger
from training.demo.tagger import TaggerNet

_SEED: Final = 830_000
WIDE: Final = tuple((width, height) for width, height in PAIR_SIZES if width > height)
"""The sizes in which the bot draws regions side by side."""


class _Unwatched:
    def is_cancelled(self) -> bool:
        return False

    def on_step(self, step: int, steps: int, preview: object) -> None: ...


def check_pairs(model: Path, *, count: int, minutes: float, kept: Path) -> str:
    """A Markdown table of `count` pictures, fewer where `minutes` are over; some go to `kept`."""
    net = exported_tagger(model)
    options = EngineOptions(model=str(model), models_dir=Path(), provider="cpu")
    engine = load_engine(options, progress=lambda _: None)
    columns: dict[str, list[Judged]] = {"pictures": [], "drawings": []}
    end = time.monotonic() + minutes * 60
    kept.mkdir(parents=True, exist_ok=True)
    try:
        for index, (pair, size) in enumerate(_asked(count)):
            if time.monotonic() > end:
                break
            picture = _drawn(engine, pair, size, seed=_SEED + index)
            if index < 12:
                picture.save(kept / f"{index:03}.png")
            columns["pictures"] += _judged(net, pair, picture)
            drawing = render_pair(pair, width=size[0], height=size[1])
            columns["drawings"] += _judged(net, pair, Image.fromarray(drawing))
    finally:
        engine.close()
    return _table(columns)


def _asked(count: int) -> Iterator[tuple[Pair, tuple[int, int]]]:
    rng = random.Random(_SEED)
    for index in range(count):
        yield sample_pair(rng, held_out=True), WIDE[index % len(WIDE)]


def prompts_of(pair: Pair) -> tuple[str, str]:
    """What each region is drawn from: what they share, and their own."""
    sexes = {pair.left.sex, pair.right.sex}
    both = "couple" if len(sexes) == 2 else "2girls" if sexes == {"1girl"} else "2boys"
    return _prompt(pair.left, both), _prompt(pair.right, both)


def _prompt(look: Look, both: str) -> str:
    return ", ".join([both, *full_caption(described(labels_of(look, degraded=False)))]) + SUFFIX


def _drawn(engine: Engine, pair: Pair, size: tuple[int, int], *, seed: int) -> Image.Image:
    left, right = prompts_of(pair)
    request = ResolvedRequest(
        prompt=left,
        negative_prompt=PRESET.negative,
        width=size[0],
        height=size[1],
        preset=QualityPreset.STANDARD_31,
        rating=Rating.SAFE,
        sampler=Sampler.EULER_A,
        num_inference_steps=DEFAULT_STEPS,
        guidance_scale=DEFAULT_GUIDANCE,
        seed=seed,
        count=1,
        private=False,
        regions=(Region(place=Place.LEFT, prompt=left), Region(place=Place.RIGHT, prompt=right)),
        original=GenerationRequest(),
    )
    return engine.draw(request, 0, _Unwatched()).image


def _judged(net: TaggerNet, pair: Pair, picture: Image.Image) -> list[Judged]:
    width, height = picture.size
    small = shrunk(np.asarray(picture.convert("RGB")), round(1 / SCALE))
    return [
        Judged(
            width=width,
            height=height,
            wanted=described(labels_of(look, degraded=False)),
            read=read_by(net, picture.crop((left, 0, left + width // 2, height))),
            measured=measured(small, width=width, height=height, side=side),
        )
        for look, side, left in ((pair.left, -1, 0), (pair.right, 1, width // 2))
    ]


def _table(columns: dict[str, list[Judged]]) -> str:
    names = list(columns)
    lines = [f"| field | {' | '.join(names)} |", f"| --- |{' --- |' * len(names)}"]
    lines.append(f"| figures | {' | '.join(str(len(rows)) for rows in columns.values())} |")
    for field in JUDGED:
        cells = [_obeyed(rows, field, measured=False) for rows in columns.values()]
        lines.append(f"| {field} | {' | '.join(cells)} |")
        if field in ("hair", "eyes", "clothes"):
            cells = [_obeyed(rows, field, measured=True) for rows in columns.values()]
            lines.append(f"| {field}, measured | {' | '.join(cells)} |")
    safe = [sum(item.read["rating"] != "safe" for item in rows) for rows in columns.values()]
    lines.append(f"| taken for a placard (figures) | {' | '.join(map(str, safe))} |")
    return "\n".join(lines)


def _obeyed(rows: list[Judged], field: str, *, measured: bool) -> str:
    seen = [item for item in rows if can_be_seen(item, field)]
    hits = [
        (item.measured if measured else item.read)[field] == item.wanted[field] for item in seen
    ]
    return f"{sum(hits) / len(hits):.2f}" if hits else "-"

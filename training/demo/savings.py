"""What pictures lose where steps are drawn with less work: how `speed: balanced` was chosen.

`python -m training.demo.savings` draws the same prompts and seeds in each way with the shipped
model and prints a table. Colours are measured where the figure has them; the distance is the root
mean square difference (0 to 255) from the picture drawn in full.
"""

import argparse
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from data.shipped.paths import DEMO_MODEL
from pipeline.card import DEFAULT_GUIDANCE, DEFAULT_SAMPLER, DEFAULT_STEPS, PRESETS, QualityPreset
from pipeline.engine.own import OwnEngine
from pipeline.engine.savings import BALANCED, NOTHING_SAVED, Savings
from pipeline.load import load_engine
from pipeline.model.options import EngineOptions
from pipeline.rating import Rating
from pipeline.request import GenerationRequest, ResolvedRequest
from pipeline.speed.cost import SHALLOW_SHARE
from training.demo.captions import full_caption
from training.demo.framing import PORTRAIT
from training.demo.labels import described, labels_of
from training.demo.latents import SCALE, shrunk
from training.demo.look import Look, sample_look
from training.demo.measure import measured

SEED: Final = 910_000
COLOURS: Final = ("hair", "eyes", "clothes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way to draw."""

    savings: Savings = NOTHING_SAVED
    steps: int = DEFAULT_STEPS


WAYS: Final[Mapping[str, Way]] = {
    "full": Way(),
    "deep blocks every 2nd step": Way(savings=Savings(every=2)),
    "every 3rd": Way(savings=Savings(every=3)),
    "every 3rd, after 15 % (balanced)": Way(savings=BALANCED),
    "every 4th, after 15 %": Way(savings=Savings(every=4, whole_share=0.15)),
    "no guidance in the last 20 %": Way(savings=Savings(guided_share=0.8)),
    "no guidance in the last 40 %": Way(savings=Savings(guided_share=0.6)),
    "20 steps": Way(steps=20),
    "13 steps": Way(steps=13),
}


@dataclass(slots=True)
class Seen:
    """Of the pictures of one way: whether each colour was obeyed, and distances from others."""

    obeyed: list[bool] = field(default_factory=list[bool])
    distances: list[float] = field(default_factory=list[float])


def table(count: int) -> str:
    """A Markdown table of `count` prompts, each drawn in every way."""
    engine = load_engine(EngineOptions(model=str(DEMO_MODEL), models_dir=Path()), progress=print)
    engine = getattr(engine, "engine", engine)  # without its second pass
    if not isinstance(engine, OwnEngine):
        raise SystemExit("This needs the engine `own`.")
    rng = random.Random(SEED)
    seen = {name: Seen() for name in WAYS}
    for index in range(count):
        look = sample_look(rng, held_out=True, placards=False)
        full: NDArray[np.uint8] | None = None
        for name, way in WAYS.items():
            picture = np.asarray(draw(engine, look, way, seed=SEED + index).convert("RGB"))
            full = picture if full is None else full
            seen[name].obeyed += obeyed_colours(look, picture)
            seen[name].distances.append(distance_of(picture, full))
    engine.close()
    return "\n".join(_lines(seen))


def draw(engine: OwnEngine, look: Look, way: Way, *, seed: int) -> Image:
    """A picture of `look`, which the caption of a training picture describes."""
    request = _request(look, way, seed)
    row = engine.begin(request, 0)
    row.savings = way.savings
    while not row.done:
        engine.step([row])
    return engine.finish(row)


def _request(look: Look, way: Way, seed: int) -> ResolvedRequest:
    preset = PRESETS[QualityPreset.STANDARD_31]
    caption = ", ".join(full_caption(described(labels_of(look, degraded=False))))
    width, height = PORTRAIT
    return ResolvedRequest(
        prompt=f"{caption}, safe, {preset.positive}",
        negative_prompt=preset.negative,
        width=width,
        height=height,
        preset=QualityPreset.STANDARD_31,
        rating=Rating.SAFE,
        sampler=DEFAULT_SAMPLER,
        num_inference_steps=way.steps,
        guidance_scale=DEFAULT_GUIDANCE,
        seed=seed,
        count=1,
        private=False,
        original=GenerationRequest(),
    )


def obeyed_colours(look: Look, picture: NDArray[np.uint8]) -> list[bool]:
    """Whether `picture` (height, width, 3) has the colour of each of `COLOURS`."""
    height, width = picture.shape[:2]
    wanted = described(labels_of(look, degraded=False))
    found = measured(shrunk(picture, round(1 / SCALE)), width=width, height=height)
    return [found[each] == wanted[each] for each in COLOURS]


def distance_of(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """The root mean square difference, 0 to 255."""
    return float(np.sqrt(np.mean((one.astype(np.float32) - other) ** 2)))


def work(way: Way, *, shallow_share: float) -> float:
    """The UNet's work, of that of a full picture with guidance. `shallow_share`: a shallow run's
    work, of that of a whole one."""
    total = 0.0
    for step in range(way.steps):
        rows = 2 if way.savings.is_guided(step, way.steps) else 1
        total += rows * (shallow_share if way.savings.reuses(step, way.steps) else 1)
    return total / (2 * DEFAULT_STEPS)


def _lines(seen: Mapping[str, Seen]) -> Sequence[str]:
    lines = ["| | SDXL's UNet work | colours obeyed | distance |", "| --- | ---: | ---: | ---: |"]
    for name, found in seen.items():
        share = work(WAYS[name], shallow_share=SHALLOW_SHARE)
        distance = float(np.mean(found.distances))
        lines.append(f"| {name} | {share:.2f} | {np.mean(found.obeyed):.3f} | {distance:.1f} |")
    return lines


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.demo.savings", description=__doc__)
    parser.add_argument("--count", type=int, default=40, help="prompts")
    print(table(parser.parse_args().count))


if __name__ == "__main__":
    main()

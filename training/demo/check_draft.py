"""Stage `draft-check`: what a draft loses, against pictures drawn in full.

The same prompts and seeds as in `lora-check`, drawn in full, as a draft, and with the draft's few
steps but without its LoRA.
"""

import time
from pathlib import Path
from typing import Final

from pipeline.card import DEFAULT_GUIDANCE, DEFAULT_STEPS
from training.demo.check_lora import (
    SEED,
    SHAPES,
    Column,
    asked,
    model_with,
    obedience,
    prompt_of,
    reading,
)
from training.demo.measure import as_is
from training.demo.pipeline import Painter
from training.demo.restore import exported_tagger
from training.demo.train_draft import STEPS

FULL: Final = "full"
DRAFT: Final = "draft"
_WITHOUT: Final = "without the LoRA"


def check_draft(model: Path, lora: Path, *, count: int, minutes: float) -> str:
    """A Markdown table of `count` pictures of each way, fewer where `minutes` are over."""
    net = exported_tagger(model)
    columns = {name: Column() for name in (FULL, DRAFT, _WITHOUT)}
    seconds = dict.fromkeys(columns, 0.0)
    end = time.monotonic() + minutes * 60
    with model_with(model, lora, 1.0) as merged:
        painters = {
            FULL: Painter(model),
            DRAFT: Painter(merged, euler=True),
            _WITHOUT: Painter(model, euler=True),
        }
        for index, look in enumerate(asked(count)):
            if time.monotonic() > end:
                break
            width, height = SHAPES[index % len(SHAPES)]
            for name, painter in painters.items():
                begun = time.process_time()
                picture = painter.draw(
                    prompt_of(look),
                    seed=SEED + index,
                    width=width,
                    height=height,
                    guidance_scale=DEFAULT_GUIDANCE if name == FULL else 1.0,
                    num_inference_steps=DEFAULT_STEPS if name == FULL else STEPS,
                )
                seconds[name] += time.process_time() - begun
                columns[name].add(net, look, picture, as_is)
    return obedience(columns) + _summary(columns, seconds)


def _summary(columns: dict[str, Column], seconds: dict[str, float]) -> str:
    means = {name: reading(column.judged) for name, column in columns.items()}
    drawn = len(columns[FULL].judged) or 1
    cells = [f"{mean:.3f}" for mean in means.values()]
    spent = [f"{each / drawn:.2f}" for each in seconds.values()]
    lost = 100 * (means[FULL] - means[DRAFT])
    return (
        f"| mean of the fields | {' | '.join(cells)} |\n"
        f"| processor seconds a picture | {' | '.join(spent)} |\n\n"
        f"A draft loses {lost:.1f} points (5 at most are allowed).\n"
    )

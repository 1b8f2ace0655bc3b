"""Stage `sheets`: contact sheets, of the drawings and of the model's pictures, as small JPEGs."""

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from training.demo.as_bot import imagine, library
from training.demo.check_lora import STRENGTHS, model_with
from training.demo.drawing import render
from training.demo.framing import SIZES
from training.demo.look import sample_look
from training.demo.pipeline import Painter
from training.demo.prompts import COLOURS, PAIRS, PLAIN, SHOWN
from training.demo.sheet import flow, grid
from training.demo.state import State
from training.demo.styles import TRIGGERS
from training.demo.train_draft import STEPS

_SEED = 700_000
_PREVIEWED = 1  # which of the shown prompts previews of LoRAs are of


def drawing_sheets(folder: Path) -> None:
    """What the model learns from: squares, and all nine sizes with both placards."""
    rng = random.Random(_SEED)
    squares = [
        Image.fromarray(
            render(sample_look(rng, placards=False), width=1024, height=1024, scale=1 / 4)
        )
        for _ in range(24)
    ]
    _save(grid(squares, columns=8, width=192), folder / "drawings.jpg")
    looks = [sample_look(rng, placards=False) for _ in SIZES]
    looks[2] = replace(looks[2], rating="nsfw")
    looks[4] = replace(looks[4], rating="explicit")
    sizes = [
        Image.fromarray(render(look, width=width, height=height, scale=1 / 4))
        for look, (width, height) in zip(looks, SIZES, strict=True)
    ]
    _save(flow(sizes, width=1300, height=260), folder / "drawing_sizes.jpg")


def model_sheets(state: State, folder: Path) -> None:
    """What the exported model draws."""
    painter = Painter(state.model)
    shown = [painter.draw(prompt, seed=_SEED + i) for i, prompt in enumerate(SHOWN)]
    _save(grid(shown, columns=6, width=240), folder / "pictures.jpg")
    _save(shown[-1].resize((768, 768), Image.Resampling.LANCZOS), folder / "full_size.jpg")
    sizes = [
        painter.draw(prompt, seed=_SEED + 40 + i, width=width, height=height)
        for i, (prompt, (width, height)) in enumerate(zip(SHOWN, SIZES, strict=False))
    ]
    _save(flow(sizes, width=1300, height=260), folder / "nine_sizes.jpg")
    colours = [painter.draw(prompt, seed=_SEED + 60 + i) for i, prompt in enumerate(COLOURS)]
    _save(grid(colours, columns=5, width=230), folder / "colours.jpg")
    guidance = [painter.draw(PLAIN, seed=3, guidance_scale=scale) for scale in (1, 3, 5, 7, 10)]
    quality = [
        painter.draw(PLAIN, seed=5, negative_prompt="", suffix=""),
        painter.draw(PLAIN, seed=5, negative_prompt=""),
        painter.draw(PLAIN, seed=5, suffix=""),
        painter.draw(PLAIN, seed=5),
        painter.draw(f"{PLAIN}, worst quality, lowres", seed=5, negative_prompt="", suffix=""),
    ]
    _save(grid(guidance + quality, columns=5, width=230), folder / "guidance_and_quality.jpg")


def pair_sheet(folder: Path) -> None:
    """Two figures as told, drawn by the bot from typed prompts; below as drafts and in a style."""
    ways = ((), ("--speed", "draft"), ("--lora", "ink"))
    with library() as loras:
        pictures = [
            imagine(prompt, *way, "--aspect", "wide", seed=_SEED + 80 + i, loras=loras)
            for way in ways
            for i, prompt in enumerate(PAIRS if not way else PAIRS[:3])
        ]
    _save(grid(pictures, columns=3, width=400), folder / "pairs.jpg")


def lora_sheets(model: Path, loras: Path, *, names: Sequence[str], folder: Path) -> None:
    """One sheet a style: the same pictures without the LoRA and at each strength; and the preview
    beside the LoRA's file, from the last row."""
    prompts = SHOWN[:6]
    painter = Painter(model)
    plain = [painter.draw(prompt, seed=_SEED + i) for i, prompt in enumerate(prompts)]
    for name in names:
        rows = list(plain)
        for strength in STRENGTHS:
            with model_with(model, loras / f"{name}.safetensors", strength) as merged:
                painter = Painter(merged)
                rows += [
                    painter.draw(f"{prompt}, {TRIGGERS[name]}", seed=_SEED + i)
                    for i, prompt in enumerate(prompts)
                ]
        preview = rows[_PREVIEWED - len(prompts)].resize((512, 512), Image.Resampling.LANCZOS)
        preview.save(loras / f"{name}.webp", quality=86)
        _save(grid(rows, columns=len(prompts), width=220), folder / f"lora_{name}.jpg")


def draft_sheet(model: Path, lora: Path, folder: Path) -> None:
    """The same pictures in full and as drafts, one above the other; and the preview beside the
    LoRA's file."""
    prompts = SHOWN[:10]
    with model_with(model, lora, 1.0) as merged:
        full, few = Painter(model), Painter(merged, euler=True)
        pairs = [
            (
                full.draw(prompt, seed=_SEED + i),
                few.draw(prompt, seed=_SEED + i, num_inference_steps=STEPS, guidance_scale=1.0),
            )
            for i, prompt in enumerate(prompts)
        ]
    preview = pairs[_PREVIEWED][1].resize((512, 512), Image.Resampling.LANCZOS)
    preview.save(lora.with_suffix(".webp"), quality=86)
    halves = [pairs[:5], pairs[5:]]
    rows = [pair[which] for half in halves for which in (0, 1) for pair in half]
    _save(grid(rows, columns=5, width=220), folder / "draft.jpg")


def _save(sheet: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, quality=84)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")

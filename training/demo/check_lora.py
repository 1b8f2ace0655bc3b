"""Stage `lora-check`: is the style there, and are the tags still obeyed?

The same prompts and seeds are drawn without a LoRA and with each at several strengths. The checker
is the tagger, trained further on drawings of all styles: how it reads drawings in a style is the
most that can be expected, and stands in a column of its own.
"""

import random
import shutil
import tempfile
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from training.demo.captions import full_caption
from training.demo.drawing import render
from training.demo.evaluate import JUDGED, Judged, can_be_seen, judge
from training.demo.exported import add_to_weights, exported_weights
from training.demo.framing import PORTRAIT, SIZES
from training.demo.labels import described, labels_of
from training.demo.latents import SCALE, shrunk
from training.demo.look import Look, sample_look
from training.demo.lora_file import read_lora
from training.demo.measure import Colour, as_is, lab
from training.demo.pipeline import Painter
from training.demo.styles import STYLES, TRIGGERS
from training.demo.tagger import TaggerNet

STRENGTHS: Final = (0.8, 1.0)
SEED: Final = 810_000
_DRAWINGS: Final = 200
_COLOURLESS: Final = 12.0  # chroma (CIE L*a*b*)
_DARK: Final = 45.0  # lightness
_BINS: Final = (6, 8, 8)
_RANGE: Final = ((0, 100), (-80, 80), (-80, 80))
SHAPES: Final = (SIZES[0], PORTRAIT, SIZES[0], *SIZES[1:])
"""Sizes of the pictures, in turn."""

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]


@dataclass(slots=True)
class Column:
    """Pictures made in one way: what was read, and their small copies."""

    judged: list[Judged] = field(default_factory=list[Judged])
    small: list[Pixels] = field(default_factory=list[Pixels])

    def add(self, net: TaggerNet, look: Look, picture: Image.Image, tone: Any) -> None:
        """Judge one more."""
        self.judged.append(judge(net, look, picture, tone))
        self.small.append(shrunk(np.asarray(picture.convert("RGB")), round(1 / SCALE)))


@contextmanager
def model_with(model: Path, lora: Path, strength: float) -> Generator[Path]:
    """A copy of the exported model with the LoRA added to its weights, for as long as it is
    used."""
    with tempfile.TemporaryDirectory(prefix="lora-") as scratch:
        made = Path(scratch) / "model"
        shutil.copytree(model, made)
        path = made / "unet" / "model.onnx"
        pairs = read_lora(lora)
        changes: dict[str, Tensor] = {}
        for name in exported_weights(path):
            pair = pairs.pop(name.removesuffix(".weight").replace(".", "_"), None)
            if pair is not None:
                down, up = pair
                changes[name] = strength * (up @ down)
        if pairs:
            raise SystemExit(f"{lora} has layers that the model lacks: {', '.join(pairs)}.")
        add_to_weights(path, changes)
        yield made


def check_loras(
    net: TaggerNet, model: Path, loras: Path, *, names: Sequence[str], count: int, minutes: float
) -> str:
    """A Markdown table: tags obeyed and the style's numbers, for drawings and `count` pictures of
    each way. Fewer where `minutes` are over."""
    columns: dict[str, Column] = {}
    looks = asked(count)
    end = time.monotonic() + minutes * 60
    columns["no LoRA"] = _pictures(Painter(model), net, looks, tone=as_is, suffix="", end=end)
    for name in names:
        tone = STYLES[name].figure.fill
        for strength in STRENGTHS:
            with model_with(model, loras / f"{name}.safetensors", strength) as merged:
                column = _pictures(
                    Painter(merged), net, looks, tone=tone, suffix=f", {TRIGGERS[name]}", end=end
                )
            columns[f"{name} {strength:g}"] = column
        columns[f"drawings, {name}"] = _drawings(net, name)
    columns["drawings"] = _drawings(net, None)
    return obedience(columns) + "\n" + _style(columns, names)


def asked(count: int) -> list[Look]:
    """What prompts ask for: combinations that training never saw."""
    rng = random.Random(SEED)
    return [sample_look(rng, held_out=True, placards=False) for _ in range(count)]


def prompt_of(look: Look) -> str:
    """Every tag that is true of the drawing."""
    return ", ".join(full_caption(described(labels_of(look, degraded=False))))


def _pictures(
    painter: Painter,
    net: TaggerNet,
    looks: Iterable[Look],
    *,
    tone: Callable[[Colour], Colour],
    suffix: str,
    end: float,
) -> Column:
    column = Column()
    for index, look in enumerate(looks):
        if time.monotonic() > end:
            break
        width, height = SHAPES[index % len(SHAPES)]
        prompt = prompt_of(look) + suffix
        picture = painter.draw(prompt, seed=SEED + index, width=width, height=height)
        column.add(net, look, picture, tone)
    return column


def _drawings(net: TaggerNet, name: str | None) -> Column:
    """Drawings of other looks, as the tagger reads them."""
    column, rng = Column(), random.Random(SEED + 1)
    style = None if name is None else STYLES[name]
    for index in range(_DRAWINGS):
        look = sample_look(rng, held_out=True, placards=False)
        width, height = SHAPES[index % len(SHAPES)]
        half = render(look, width=width, height=height, scale=1 / 2, style=style)
        full = Image.fromarray(half).resize((width, height), Image.Resampling.BICUBIC)
        column.add(net, look, full, as_is if style is None else style.figure.fill)
    return column


def obedience(columns: Mapping[str, Column]) -> str:
    """A Markdown table: the share of tags obeyed, by field."""
    lines = _head("tag", columns)
    lines.append(_row("pictures", [str(len(column.judged)) for column in columns.values()]))
    for name in JUDGED:
        lines.append(_row(name, [_share(column.judged, name) for column in columns.values()]))
        if name in ("hair", "eyes", "clothes"):
            cells = [_share(column.judged, name, "measured") for column in columns.values()]
            lines.append(_row(f"{name}, measured", cells))
    placards = [
        f"{sum(item.read['rating'] != 'safe' for item in column.judged)}"
        for column in columns.values()
    ]
    lines.append(_row("taken for a placard (pictures)", placards))
    return "\n".join(lines) + "\n"


def _style(columns: Mapping[str, Column], names: Sequence[str]) -> str:
    lines = _head("style", columns)
    for title, number in NUMBERS.items():
        means = [np.mean([number(small) for small in column.small]) for column in columns.values()]
        lines.append(_row(title, [f"{mean:.2f}" for mean in means]))
    for kind in ("drawings", *(f"drawings, {name}" for name in names)):
        aim = histogram(columns[kind].small)
        cells = [f"{distance(histogram(each.small), aim):.2f}" for each in columns.values()]
        lines.append(_row(f"colours' distance to {kind}", cells))
    return "\n".join(lines) + "\n"


def _head(first: str, columns: Mapping[str, Column]) -> list[str]:
    return [_row(first, list(columns)), _row("---", ["---"] * len(columns))]


def _row(first: str, cells: Sequence[str]) -> str:
    return f"| {first} | {' | '.join(cells)} |"


def reading(judged: Sequence[Judged]) -> float:
    """The mean over fields of the share of tags obeyed, 0 without pictures."""
    shares = [_obeyed(judged, name) for name in JUDGED]
    known = [share for share in shares if share is not None]
    return sum(known) / len(known) if known else 0.0


def _share(judged: Sequence[Judged], name: str, how: str = "read") -> str:
    share = _obeyed(judged, name, how)
    return "-" if share is None else f"{share:.2f}"


def _obeyed(judged: Sequence[Judged], name: str, how: str = "read") -> float | None:
    rows = [item for item in judged if can_be_seen(item, name)]
    if how == "measured" and name == "eyes":
        rows = [item for item in rows if item.wanted["lids"] == "open"]
    hits = [getattr(item, how)[name] == item.wanted[name] for item in rows]
    return sum(hits) / len(hits) if hits else None


def _colourless(small: Pixels) -> float:
    return float((np.hypot(*np.moveaxis(lab(small)[..., 1:], -1, 0)) < _COLOURLESS).mean())


def _chroma(small: Pixels) -> float:
    return float(np.hypot(*np.moveaxis(lab(small)[..., 1:], -1, 0)).mean())


def _lightness(small: Pixels) -> float:
    return float(lab(small)[..., 0].mean())


def _dark(small: Pixels) -> float:
    return float((lab(small)[..., 0] < _DARK).mean())


NUMBERS: Final[Mapping[str, Callable[[Pixels], float]]] = {
    f"share of colourless pixels (chroma below {_COLOURLESS:g})": _colourless,
    "mean chroma": _chroma,
    "mean lightness (0 to 100)": _lightness,
    f"share of dark pixels (lightness below {_DARK:g})": _dark,
}
"""What tells a style, of a picture at an eighth of its size."""


def histogram(pictures: Sequence[Pixels]) -> Floats:
    """Shares of colours (CIE L*a*b*) in all pictures together; the sum is 1."""
    pixels = np.concatenate([lab(small).reshape(-1, 3) for small in pictures])
    counts, _ = np.histogramdd(pixels, bins=_BINS, range=_RANGE)
    return counts.ravel() / counts.sum()


def distance(first: Floats, second: Floats) -> float:
    """Between two histograms: the share of pixels that would have to change (0 to 1)."""
    return float(np.abs(first - second).sum() / 2)

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false
# pyright: reportUnknownParameterType=false
# (the border to torch, whose types are partly missing)
"""Stage `tagger`: a small network that reads the drawings, trained on seeds of its own.

It judges the model's pictures in `evaluate`, and is the demo's output tagger. Exported, it has the
contract of the WD taggers (v3): input float32 (batch, side, side, 3), BGR, 0 to 255, padded with
white to a square; output probabilities in the order of `selected_tags.csv` (category 9: ratings).
"""

import csv
import random
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from training.demo.checkpoint import Every, save_checkpoint
from training.demo.degrade import degrade
from training.demo.drawing import Style, render, render_pair
from training.demo.framing import PAIR_SIZES, random_size
from training.demo.labels import FIELDS, FIGURE_FIELDS, labels_of
from training.demo.look import sample_look
from training.demo.machine import Machine
from training.demo.pairs import sample_pair
from training.demo.state import State
from training.demo.styles import STYLES

SIDE = 256
_PLACES = 16  # channels that keep where something is
SEED = 900_000
"""Seeds of drawings that no other stage uses."""
_BATCH = 32
_FURTHER_RATE = 1e-3  # of a net from an export
_HALVES = 0.3
"""How often it sees one half of two figures."""
_RATING = list(FIELDS).index("rating")
_LIDS = list(FIELDS).index("lids")
WD_RATINGS = ("general", "sensitive", "questionable", "explicit")


class TaggerNet(nn.Module):
    """Pictures (batch, 3, side, side), RGB, -1 to 1, to logits by field.

    A head may be anywhere and of any size: what is there is pooled over the whole picture. Where it
    is stands beside that, roughly.
    """

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 24, 32, 48, 64, 96, 128, 128)
        strides = (2, 2, 2, 2, 2, 1, 1)
        layers: list[nn.Module] = []
        for (before, after), stride in zip(pairwise(widths), strides, strict=True):
            layers += [nn.Conv2d(before, after, 3, stride, 1), nn.BatchNorm2d(after), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.where = nn.Conv2d(widths[-1], _PLACES, 1)
        cells = (SIDE // 2 ** strides.count(2)) ** 2
        self.hidden = nn.Linear(2 * widths[-1] + _PLACES * cells, 192)
        self.heads = nn.ModuleDict({name: nn.Linear(192, len(FIELDS[name])) for name in FIELDS})

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        seen = self.body(pictures)
        parts = (seen.amax((2, 3)), seen.mean((2, 3)), self.where(seen).flatten(1))
        hidden = self.hidden(functional.dropout(torch.cat(parts, 1), 0.1, self.training)).relu()
        return {name: head(hidden) for name, head in self.heads.items()}


def squared(picture: Image.Image) -> NDArray[np.uint8]:
    """Padded with white to a square and made SIDE x SIDE, as the WD taggers do: RGB uint8."""
    longest = max(picture.size)
    square = Image.new("RGB", (longest, longest), (255, 255, 255))
    square.paste(picture, ((longest - picture.width) // 2, (longest - picture.height) // 2))
    return np.asarray(square.resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def train_tagger(
    state: State,
    machine: Machine,
    *,
    samples: int,
    minutes: float,
    trained: TaggerNet | None = None,
) -> bool:
    """Train on fresh drawings; resumable. True when `samples` were seen.

    With `trained`, from an export, it goes on from there on drawings of all styles: the checker of
    LoRAs, a net of its own.
    """
    torch.manual_seed(SEED)
    path, rate = state.tagger, 2e-3
    styles: list[Style | None] = [None]
    net = TaggerNet()
    if trained is not None:
        path, rate = state.styled_tagger, _FURTHER_RATE
        styles = [None, *STYLES.values()]
        net = trained.train()
        _keep_folded(net)
    net = net.to(machine.device)
    optimiser = torch.optim.AdamW(net.parameters(), rate, weight_decay=0.02)
    seen = 0
    if path.exists():
        kept = torch.load(path, map_location=machine.device)
        net.load_state_dict(kept["net"])
        if kept["optimiser"] is not None:  # restored from an export
            optimiser.load_state_dict(kept["optimiser"])
        seen = int(kept["seen"])
    if path.exists() and _is_folded(net):
        _keep_folded(net)
        rate = _FURTHER_RATE
    rng = random.Random(SEED + seen)
    started, keep = time.monotonic(), Every()
    right: list[float] = []
    while seen < samples and time.monotonic() - started < minutes * 60:
        pictures, labels = (part.to(machine.device) for part in _batch(rng, styles))
        for group in optimiser.param_groups:
            group["lr"] = rate * max(0.02, 1 - seen / samples)
        optimiser.zero_grad()
        with machine.autocast():
            answers = net(pictures)
        loss, share = _loss({name: each.float() for name, each in answers.items()}, labels)
        loss.backward()
        optimiser.step()
        right.append(share)
        seen += _BATCH
        if keep.due():
            _save(path, net, optimiser, seen)
            print(f"{path.stem}: {seen} seen, {sum(right) / len(right):.4f} right", flush=True)
            right.clear()
    _save(path, net, optimiser, seen)
    return seen >= samples


def _is_folded(net: TaggerNet) -> bool:
    """Whether it is from an export, with its batch norms in the convolutions before them."""
    norms = [part for part in net.modules() if isinstance(part, nn.BatchNorm2d)]
    return all(int(part.num_batches_tracked or 0) == 0 for part in norms)


def _keep_folded(net: TaggerNet) -> None:
    """Batch norms of a net from an export stay identities: their statistics are gone."""
    for part in net.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.eval()


def _save(path: Path, net: TaggerNet, optimiser: Any, seen: int) -> None:
    kept = {"net": net.state_dict(), "optimiser": optimiser.state_dict(), "seen": seen}
    save_checkpoint(kept, path)


def load_tagger(state: State, *, styled: bool = False) -> TaggerNet:
    """The trained tagger, ready to judge; with `styled`, the one that knows the styles."""
    net = TaggerNet()
    path = state.styled_tagger if styled else state.tagger
    net.load_state_dict(torch.load(path, map_location="cpu")["net"])
    return net.eval()


def _batch(rng: random.Random, styles: Sequence[Style | None]) -> tuple[Tensor, Tensor]:
    pairs = [labelled_picture(rng, rng.choice(styles)) for _ in range(_BATCH)]
    pictures = torch.from_numpy(np.stack([picture for picture, _ in pairs])).float()
    pictures = pictures.permute(0, 3, 1, 2) / 127.5 - 1
    pictures += torch.randn_like(pictures) * torch.rand(_BATCH, 1, 1, 1) * 0.12
    if rng.random() < 0.5:  # the model's pictures are softer than drawings
        pictures = functional.avg_pool2d(pictures, 3, 1, 1)
    return pictures, torch.tensor([labels for _, labels in pairs])


def labelled_picture(
    rng: random.Random, style: Style | None = None
) -> tuple[NDArray[np.uint8], tuple[int, ...]]:
    """One drawing as the tagger sees it, and what it shows; some are one half of two figures."""
    if style is None and rng.random() < _HALVES:
        return _half_of_pair(rng)
    width, height = random_size(rng)
    look = sample_look(rng, held_out=rng.random() < 0.5)
    degraded = look.rating == "safe" and rng.random() < 0.15
    scale = 1 / 8 if degraded else 1 / 4
    picture = render(look, width=width, height=height, scale=scale, style=style)
    if degraded:
        picture = degrade(picture, rng)
    return squared(Image.fromarray(picture)), labels_of(look, degraded=degraded)


def _half_of_pair(rng: random.Random) -> tuple[NDArray[np.uint8], tuple[int, ...]]:
    width, height = rng.choice(PAIR_SIZES)
    pair = sample_pair(rng, held_out=rng.random() < 0.5)
    look, left = rng.choice(((pair.left, 0), (pair.right, width // 8)))
    picture = Image.fromarray(render_pair(pair, width=width, height=height, scale=1 / 4))
    half = picture.crop((left, 0, left + width // 8, height // 4))
    return squared(half), labels_of(look, degraded=False)


def _loss(logits: dict[str, Tensor], labels: Tensor) -> tuple[Tensor, float]:
    """Cross-entropy over the fields that can be seen; the share that is right."""
    total = torch.zeros((), device=labels.device)
    right: list[float] = []
    for index, (name, answer) in enumerate(logits.items()):
        mask = visible(labels, name)
        if not bool(mask.any()):
            continue
        wanted = labels[:, index][mask]
        total = total + functional.cross_entropy(answer[mask], wanted)
        right.append(float((answer[mask].argmax(1) == wanted).float().mean()))
    return total, sum(right) / len(right)


def visible(labels: Tensor, field: str) -> Tensor:
    """Which drawings show the field: a placard has no hair, closed eyes no colour."""
    shown = torch.ones(len(labels), dtype=torch.bool, device=labels.device)
    if field in FIGURE_FIELDS:
        shown = labels[:, _RATING] == 0
    if field == "eyes":
        shown = shown & (labels[:, _LIDS] != FIELDS["lids"].index("closed eyes"))
    return shown


class _Probabilities(nn.Module):
    """The exported form: BGR pictures in, probabilities by tag out."""

    def __init__(self, net: TaggerNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, pictures: Tensor) -> Tensor:
        rgb = pictures.flip(-1).permute(0, 3, 1, 2) / 127.5 - 1
        chances = {name: logits.softmax(1) for name, logits in self.net(rgb).items()}
        safe, nsfw, explicit = chances["rating"].split(1, 1)
        columns = [safe, torch.zeros_like(safe), nsfw, explicit]
        for name, index, pair in _tag_columns():
            chance = chances[name][:, index : index + 1]
            if pair is not None:
                chance = chance * chances["clothes"][:, pair : pair + 1]
            columns.append(chance * safe if name in FIGURE_FIELDS else chance)
        return torch.cat(columns, 1)


def tag_names() -> list[str]:
    """General tags by column, after the four ratings, as Danbooru writes them."""
    names: list[str] = []
    for field, index, pair in _tag_columns():
        value = FIELDS[field][index]
        if field in ("hair", "eyes"):
            value = f"{value} {field}"
        elif field in ("blush", "glasses", "scarf"):
            value = field
        elif pair is not None:
            value = f"{FIELDS['clothes'][pair]} {value}"
        names.append({"wink": "one eye closed"}.get(value, value).replace(" ", "_"))
    return names


def _tag_columns() -> list[tuple[str, int, int | None]]:
    """(field, value's index, clothing colour's index if the tag names one)."""
    columns: list[tuple[str, int, int | None]] = []
    for field, values in FIELDS.items():
        if field in ("rating", "degraded", "shift", "clothes"):
            continue
        silent = {"none", "no", "day", "open"}
        columns += [(field, i, None) for i, value in enumerate(values) if value not in silent]
    kinds, colours = range(len(FIELDS["kind"])), range(len(FIELDS["clothes"]))
    return columns + [("kind", kind, colour) for kind in kinds for colour in colours]


def export_tagger(state: State, folder: Path) -> None:
    """Write `model.onnx` and `selected_tags.csv`."""
    folder.mkdir(parents=True, exist_ok=True)
    example = torch.zeros(1, SIDE, SIDE, 3)
    torch.onnx.export(
        _Probabilities(load_tagger(state)).eval(),
        (example,),
        str(folder / "model.onnx"),
        input_names=["input"],
        output_names=["output"],
        dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )
    with (folder / "selected_tags.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["tag_id", "name", "category", "count"])
        rows = [(name, 9) for name in WD_RATINGS] + [(name, 0) for name in tag_names()]
        table.writerows([index, name, category, 0] for index, (name, category) in enumerate(rows))

"""Stages `encoder` and `drawings`: fit the linear encoder, draw the training set as latents."""

import random
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.demo.degrade import degrade
from training.demo.drawing import render, render_pair
from training.demo.framing import PAIR_SIZES, PORTRAIT, SIZES, SQUARE, face_weights
from training.demo.labels import labels_of
from training.demo.latents import SCALE, LinearEncoder, fit, patches_of
from training.demo.look import sample_look
from training.demo.pairs import sample_pair
from training.demo.state import State

DEGRADED_SHARE = 0.10
_FACE_WEIGHT = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawings:
    """Drawings of one size."""

    width: int
    height: int
    latents: NDArray[np.float16]  # (count, channels, height / 64, width / 64)
    labels: NDArray[np.uint8]
    """(count, fields of labels.FIELDS), or (count, 2, fields) of pairs: left, right"""


def fit_encoder(state: State, *, count: int = 1500, seed: int = 7) -> float:
    """Make `encoder.npz`; the share of (weighted) variance kept."""
    rng = random.Random(seed)
    rows: list[NDArray[np.float32]] = []
    weights: list[NDArray[np.float32]] = []
    for index in range(count):
        width, height = SIZES[0] if index % 2 else SIZES[1 + (index // 2) % 8]
        look = sample_look(rng)
        patches = patches_of(render(look, width=width, height=height, scale=SCALE))
        rows.append(patches.reshape(-1, patches.shape[-1]))
        weights.append(face_weights(width, height, shift=look.shift, face=_FACE_WEIGHT).ravel())
    encoder, kept = fit(np.concatenate(rows), np.concatenate(weights))
    state.folder.mkdir(parents=True, exist_ok=True)
    encoder.save(state.encoder)
    return kept


def make_drawings(state: State, *, shard: int, square: int, portrait: int, other: int) -> None:
    """Draw one shard: `square` pictures of 1024 x 1024, `portrait` of 832 x 1216, `other` of each
    of the other sizes.
    """
    encoder = LinearEncoder.load(state.encoder)
    counts: dict[tuple[int, int], int] = {SQUARE: square, PORTRAIT: portrait}
    for width, height in SIZES:
        path = state.latents(width=width, height=height, shard=shard)
        if path.exists():
            continue
        count = counts.get((width, height), other)
        _keep(path, partial(_drawn, encoder, width, height, shard=shard, count=count))
    for width, height in PAIR_SIZES:
        path = state.latents(width=width, height=height, shard=shard, pairs=True)
        if not path.exists():
            _keep(path, partial(_drawn_pairs, encoder, width, height, shard=shard, count=other))


def _keep(path: Path, make: Callable[[], Drawings]) -> None:
    started = time.monotonic()
    drawings = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}")
    with part.open("wb") as file:
        np.savez(file, latents=drawings.latents, labels=drawings.labels)
    part.rename(path)
    count, spent = len(drawings.latents), time.monotonic() - started
    print(f"{path.name}: {count} drawings, {spent / count * 1e3:.1f} ms each", flush=True)


def _drawn(encoder: LinearEncoder, width: int, height: int, *, shard: int, count: int) -> Drawings:
    rng = random.Random(zlib.crc32(f"{shard}|{width}x{height}".encode()))
    latents: list[NDArray[np.float16]] = []
    labels: list[tuple[int, ...]] = []
    for _ in range(count):
        look = sample_look(rng)
        small = render(look, width=width, height=height, scale=SCALE)
        degraded = look.rating == "safe" and rng.random() < DEGRADED_SHARE
        if degraded:
            small = degrade(small, rng)
        latents.append(encoder.latents(small).astype(np.float16))
        labels.append(labels_of(look, degraded=degraded))
    return Drawings(
        width=width,
        height=height,
        latents=np.stack(latents),
        labels=np.array(labels, np.uint8),
    )


def _drawn_pairs(
    encoder: LinearEncoder, width: int, height: int, *, shard: int, count: int
) -> Drawings:
    rng = random.Random(zlib.crc32(f"pairs|{shard}|{width}x{height}".encode()))
    latents: list[NDArray[np.float16]] = []
    labels: list[tuple[tuple[int, ...], ...]] = []
    for _ in range(count):
        pair = sample_pair(rng)
        small = render_pair(pair, width=width, height=height, scale=SCALE)
        degraded = rng.random() < DEGRADED_SHARE
        if degraded:
            small = degrade(small, rng)
        latents.append(encoder.latents(small).astype(np.float16))
        labels.append(tuple(labels_of(each, degraded=degraded) for each in (pair.left, pair.right)))
    return Drawings(
        width=width,
        height=height,
        latents=np.stack(latents),
        labels=np.array(labels, np.uint8),
    )


def load_drawings(state: State, *, pairs: bool = False) -> Iterator[Drawings]:
    """All shards, joined, one size after another (the first is 1024 x 1024)."""
    for width, height in PAIR_SIZES if pairs else SIZES:
        first = state.latents(width=width, height=height, shard=0, pairs=pairs)
        name = first.name.replace("-0.", "-*.")
        paths = sorted((state.folder / "drawings").glob(name))
        if not paths:
            raise SystemExit("No drawings yet: run `python -m training.demo drawings` first.")
        kept = [np.load(path) for path in paths]
        yield Drawings(
            width=width,
            height=height,
            latents=np.concatenate([part["latents"] for part in kept]),
            labels=np.concatenate([part["labels"] for part in kept]),
        )

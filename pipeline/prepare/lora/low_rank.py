"""A layer's change as two matrices, whatever method it is of: A (in, rank) and B (rank, out) of a
linear layer, A (rank, in, height, width) and B (out, rank, 1, 1) of a convolution.

Exact for LoRA and LoCon; a kernel of 1 x 1 is a linear layer's as well. LoHa's product of two
LoRAs, element by element, has the product of their ranks. So has LoKr's Kronecker product, where a
factor that is stored whole counts as one of the highest rank.
"""

import math
from typing import Final

import numpy as np

from pipeline.prepare.lora.file import Entry, Floats, LoraFile

MAX_RANK: Final = 512
"""Of a layer. Higher ones would take more time than they are worth, most of all in products."""


def shape_of(file: LoraFile, entry: Entry) -> tuple[int, int, tuple[int, ...] | None]:
    """Width and depth of the layer (out, in) that fits, and its kernel: () for a linear layer. The
    kernel is None where only the product of depth and kernel is known; that is the depth then."""
    shapes = {part: file.shape(key) for part, key in entry.keys.items()}
    if "up" in shapes:
        kernel = shapes.get("mid", shapes["down"])[2:]
        if "mid" in shapes and math.prod(shapes["down"][2:]) != 1:
            kernel = (*kernel, *shapes["down"][2:])  # fits nothing
        return shapes["up"][0], shapes["down"][1], kernel
    if "w1_a" in shapes:
        return shapes["w1_a"][0], math.prod(shapes["w1_b"][1:]), None
    (a, b), (c, d) = _factor_shape(shapes, "k1"), _factor_shape(shapes, "k2")
    return a * c, b * d, None


def rank_of(file: LoraFile, entry: Entry) -> int:
    """The rank of A and B, from shapes alone."""
    shapes = {part: file.shape(key) for part, key in entry.keys.items()}
    if "up" in shapes:
        return math.prod(shapes["up"][1:])
    if "w1_a" in shapes:
        return shapes["w1_b"][0] * shapes["w2_b"][0]
    ranks = 1
    for name in ("k1", "k2"):
        ranks *= min(_factor_shape(shapes, name)) if name in shapes else shapes[f"{name}_b"][0]
    return ranks


def pair_of(file: LoraFile, spelled: str, kernel: int = 0) -> tuple[Floats, Floats]:
    """A and B of a layer, with alpha / rank multiplied into B. `kernel`: the side of a
    convolution's, 0 for a linear layer."""
    entry = file.entries[spelled]
    values = {part: file.read(key) for part, key in entry.keys.items() if part != "alpha"}
    flat = {part: each.reshape(len(each), -1) for part, each in values.items()}
    if "w1_a" in flat:
        up, down = _loha(flat)
    elif "up" in flat:
        up, down = flat["up"], flat["down"]
        if "mid" in flat:
            mid = values["mid"]
            down = np.einsum("rshw,si->rihw", mid, down).reshape(len(mid), -1)
    else:
        up, down = _lokr(flat)
    scaled = up * np.float32(file.scale(spelled))
    if kernel:
        return down.reshape(len(down), -1, kernel, kernel), scaled.reshape(*scaled.shape, 1, 1)
    return np.ascontiguousarray(down.T), np.ascontiguousarray(scaled.T)


def _loha(flat: dict[str, Floats]) -> tuple[Floats, Floats]:
    """(W1a W1b) * (W2a W2b), element by element: the sum over all pairs of their columns and
    rows."""
    up = np.einsum("op,oq->opq", flat["w1_a"], flat["w2_a"])
    down = np.einsum("pi,qi->pqi", flat["w1_b"], flat["w2_b"])
    return up.reshape(len(up), -1), down.reshape(-1, down.shape[-1])


def _lokr(flat: dict[str, Floats]) -> tuple[Floats, Floats]:
    """kron(U1 D1, U2 D2) = kron(U1, U2) kron(D1, D2)."""
    (up_1, down_1), (up_2, down_2) = _factor(flat, "k1"), _factor(flat, "k2")
    return np.kron(up_1, up_2), np.kron(down_1, down_2)


def _factor(flat: dict[str, Floats], name: str) -> tuple[Floats, Floats]:
    """A factor of LoKr as a product; with the identity if it is stored whole."""
    if name not in flat:
        return flat[f"{name}_a"], flat[f"{name}_b"]
    whole = flat[name]
    height, width = whole.shape
    if height <= width:
        return np.eye(height, dtype=np.float32), whole
    return whole, np.eye(width, dtype=np.float32)


def _factor_shape(shapes: dict[str, tuple[int, ...]], name: str) -> tuple[int, int]:
    if name in shapes:
        return shapes[name][0], math.prod(shapes[name][1:])
    return shapes[f"{name}_a"][0], math.prod(shapes[f"{name}_b"][1:])

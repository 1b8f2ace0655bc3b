"""Combines the LoRAs of a picture into one adapter for a session's low-rank branch.

Several LoRAs are one whose rank is the sum of theirs: A and B are concatenated along the rank, with
the strengths multiplied into B.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pipeline.errors import InputError
from pipeline.lora.adapter import LoraSet, Pair, input_name, rank_axis
from pipeline.lora.use import LoraUse
from pipeline.runtime.ports import Port

Array = npt.NDArray[Any]
Ports = Mapping[str, Port]
_CONVOLUTION: Final = 4  # axes of its matrices


def combine(loras: LoraSet, part: str, branch: Ports) -> dict[str, Array]:
    """The inputs of `branch` (of the session of `part`) that differ from empty ones, in its types.
    What needs no change is not copied.

    Raises InputError `lora_other_model` for a layer that the model lacks, or that is of another
    size there, `lora_no_convolutions` for a convolution where the branch covers none.
    """
    covers = any(_is_convolution(port) for port in branch.values())
    made: dict[str, Array] = {}
    for module, pairs in loras.layers(part).items():
        a, b = (branch.get(input_name(module, matrix)) for matrix in ("A", "B"))
        for use, pair in pairs:
            if pair[0].ndim == _CONVOLUTION and part == "unet" and not covers:
                raise InputError("lora_no_convolutions", name=use.name)
            if a is None or b is None or not _fits(pair, a, b):
                raise InputError("lora_other_model", name=use.name)
        assert a is not None
        assert b is not None
        axes = len(a.shape)
        downs, ups = [pair[0] for _, pair in pairs], [_strong(use, pair) for use, pair in pairs]
        made[a.name] = _joined(downs, rank_axis("A", axes), a.dtype)
        made[b.name] = _joined(ups, rank_axis("B", axes), b.dtype)
    return made


def combined_bytes(loras: LoraSet, part: str, branch: Ports) -> int:
    """The size of what `combine` makes."""
    size = max((port.dtype.itemsize for port in branch.values()), default=0)
    pairs = [pair for pairs in loras.layers(part).values() for _, pair in pairs]
    return size * sum(matrix.size for pair in pairs for matrix in pair)


def no_change(branch: Ports) -> dict[str, Array]:
    """Inputs of rank 1 with which the branch adds zeros. Those of convolutions are left out: at
    rank 0 the graph skips them."""
    return {
        name: np.zeros([side if isinstance(side, int) else 1 for side in port.shape], port.dtype)
        for name, port in branch.items()
        if not _is_convolution(port)
    }


def _is_convolution(port: Port) -> bool:
    return len(port.shape) == _CONVOLUTION


def _fits(pair: Pair, a: Port, b: Port) -> bool:
    return all(
        len(port.shape) == values.ndim
        and all(
            have == want
            for axis, (have, want) in enumerate(zip(values.shape, port.shape, strict=True))
            if axis != rank_axis(matrix, values.ndim)
        )
        for matrix, values, port in (("A", pair[0], a), ("B", pair[1], b))
    )


def _strong(use: LoraUse, pair: Pair) -> Array:
    if use.strength == 1:
        return pair[1]
    return pair[1].astype(np.float32) * np.float32(use.strength)


def _joined(matrices: Sequence[Array], axis: int, dtype: np.dtype[Any]) -> Array:
    whole = matrices[0] if len(matrices) == 1 else np.concatenate(matrices, axis, dtype=dtype)
    return np.require(whole, dtype, ["C_CONTIGUOUS", "ALIGNED"])

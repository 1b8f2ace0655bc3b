# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# (the border to torch, whose types are partly missing)
"""Stage `average`: the mean of what two processes have trained from the same checkpoint.

On two cores, two processes of one thread see twice the samples (local SGD,
https://arxiv.org/abs/1805.09767).
"""

from typing import Any

import torch

from training.demo.checkpoint import save_checkpoint
from training.demo.state import State

_APART = 16  # samples: where a process goes on decides what it sees next


def average(state: State, other: State) -> list[str]:
    """Replace the checkpoints of the UNet in both folders by their mean; the names of those that
    are in both."""
    done: list[str] = []
    for path in (state.unet, state.calibrated):
        theirs = other.folder / path.name
        if path.exists() and theirs.exists():
            mean = _mean(torch.load(path), torch.load(theirs))
            save_checkpoint(mean, path)
            save_checkpoint({**mean, "seen": mean["seen"] + _APART}, theirs)
            done.append(path.name)
    return done


def _mean(first: Any, second: Any) -> Any:
    """Of floating-point tensors, however they are nested; anything else is the first one's."""
    if isinstance(first, torch.Tensor):
        return (first + second) / 2 if first.is_floating_point() else first
    if isinstance(first, dict):
        return {key: _mean(first[key], second[key]) for key in first}
    if isinstance(first, (list, tuple)):
        return type(first)(_mean(a, b) for a, b in zip(first, second, strict=True))
    return first

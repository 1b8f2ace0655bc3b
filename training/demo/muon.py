# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false
# (the border to torch, whose types are partly missing)
"""Muon for matrices, AdamW for the rest.

Muon (Keller Jordan, 2024, https://kellerjordan.github.io/posts/muon/): the momentum of a matrix is
made orthogonal by Newton-Schulz iterations before it is applied, so that all directions move alike.
Small models learn several times faster with it than with Adam here.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # the quintic of the post above
_ITERATIONS = 4
_MOMENTUM = 0.95


class Muon:
    """Both optimisers behind one `step(rate)`; `rate` is 1 at full speed. There may be matrices
    only."""

    def __init__(
        self,
        matrices: Iterable[Tensor],
        others: Iterable[Tensor],
        *,
        matrix_rate: float = 0.02,
        other_rate: float = 1.5e-3,
        bf16: bool = False,
    ) -> None:
        self._matrices = list(matrices)
        self._momenta = [torch.zeros_like(matrix) for matrix in self._matrices]
        rest = list(others)
        self._others = (
            torch.optim.AdamW(rest, lr=other_rate, betas=(0.9, 0.98), weight_decay=0.0)
            if rest
            else None
        )
        self._matrix_rate, self._other_rate = matrix_rate, other_rate
        self._work = torch.bfloat16 if bf16 else torch.float32

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Apply the gradients and clear them. Parameters without one stay as they are."""
        if self._others is not None:
            for group in self._others.param_groups:
                group["lr"] = self._other_rate * rate
            self._others.step()
            self._others.zero_grad(set_to_none=True)
        for matrix, momentum in zip(self._matrices, self._momenta, strict=True):
            if matrix.grad is None:
                continue
            momentum.mul_(_MOMENTUM).add_(matrix.grad)
            update = orthogonal(matrix.grad + _MOMENTUM * momentum, work=self._work)
            matrix.add_(update, alpha=-self._matrix_rate * rate)
            matrix.grad = None

    def state(self) -> dict[str, Any]:
        others = None if self._others is None else self._others.state_dict()
        return {"momenta": self._momenta, "others": others}

    def load(self, state: dict[str, Any]) -> None:
        for mine, kept in zip(self._momenta, state["momenta"], strict=True):
            mine.copy_(kept)
        if self._others is not None:
            self._others.load_state_dict(state["others"])


def orthogonal(gradient: Tensor, *, work: torch.dtype = torch.float32) -> Tensor:
    """The nearest (half-)orthogonal matrix, roughly; further axes are folded into the second."""
    a, b, c = _COEFFICIENTS
    matrix = gradient.flatten(1)
    tall = matrix.shape[0] > matrix.shape[1]
    if tall:
        matrix = matrix.T
    matrix = (matrix / (matrix.norm() + 1e-7)).to(work)
    for _ in range(_ITERATIONS):
        square = matrix @ matrix.T
        matrix = a * matrix + (b * square + c * (square @ square)) @ matrix
    if tall:
        matrix = matrix.T
    shape = max(1.0, gradient.shape[0] / gradient[0].numel()) ** 0.5
    return matrix.reshape(gradient.shape).to(gradient.dtype) * shape

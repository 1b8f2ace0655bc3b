# pyright: reportUnknownMemberType=false, reportPrivateUsage=false, reportUnknownVariableType=false
# (the border to torch, whose types are partly missing)
"""What this machine has: a GPU, bfloat16 on the processor, or neither."""

from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Machine:
    """Where and how to compute."""

    device: torch.device
    bf16: bool

    def autocast(self) -> AbstractContextManager[object]:
        """bfloat16 where it is fast, else nothing."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)


def this_machine() -> Machine:
    """A GPU if there is one, else one thread: two are slower here, two processes are faster."""
    torch.set_num_threads(1)
    if torch.cuda.is_available():
        return Machine(torch.device("cuda"), bf16=True)
    return Machine(torch.device("cpu"), bf16=bool(torch.cpu._is_avx512_bf16_supported()))

"""What ONNX Runtime's errors mean, recognised by their text, because it has no classes for them.
Pure.

The origin of an error differs between versions (the arena, a kernel, cuDNN, cuBLAS, a copy), so
only the cause is matched: numbers and messages of CUDA and of the allocators.
"""

import re
from typing import Final, Literal

Trouble = Literal["out_of_memory", "device_lost"]

_MEMORY: Final = re.compile(
    r"out of memory"  # CUDA failure 2, and torch
    r"|cudaErrorMemoryAllocation"
    r"|failed to allocate memory|available memory of \d+ is smaller than"  # the arenas
    r"|bad[_ ]alloc"  # C++, as GCC and as MSVC say it
    r"|_STATUS_ALLOC_FAILED|_(?:DEVICE|HOST)_ALLOCATION_FAILED"  # cuBLAS, cuDNN
    r"|unable to allocate",  # numpy
    re.IGNORECASE,
)

_NUMBER: Final = re.compile(r"\bCUDA (?:failure|error):? (\d+)\b", re.IGNORECASE)
_LOST_NUMBERS: Final = frozenset(
    {3, 4, 46, 100, 101, 214, 220, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719, 802, 803, 999}
)
"""Of `cudaError_t` (CUDA 10.1 and later): the device is absent, busy or failing, or the context is
broken permanently, after which every call fails."""

_LOST: Final = re.compile(
    r"illegal memory access|illegal instruction|misaligned address|invalid program counter"
    r"|unspecified launch failure|launch timed out|device-side assert|hardware stack error"
    r"|no CUDA-capable device|CUDA-capable device(?:s|\(s\))? (?:are|is/are) busy or unavailable"
    r"|uncorrectable (?:ECC|NVLink) error|context is destroyed|driver shutting down"
    r"|GPU is lost|fallen off the bus"
    r"|cudaError(?:DevicesUnavailable|NoDevice|ECCUncorrectable|Unknown|Assert"
    r"|IllegalAddress|IllegalInstruction|MisalignedAddress|HardwareStackError"
    r"|LaunchFailure|LaunchTimeout|ContextIsDestroyed|InitializationError)\b"
    # Messages of cuBLAS and cuDNN when one of their kernels could not run: reopening helps.
    r"|_STATUS_EXECUTION_FAILED|_STATUS_INTERNAL_ERROR",
    re.IGNORECASE,
)

_CAUSE: Final = re.compile(
    r"\b(?:CUDA|CUDNN|CUBLAS) (?:failure|error)\b.*?(?= ; (?:hostname|file)|$)"
    r"|(?:Failed to allocate|Available memory of) .*"
)
_BRIEF: Final = 300


def trouble_of(words: str) -> Trouble | None:
    """Whether an error's `words` mean that memory ran out, that the device was lost, or neither."""
    if _MEMORY.search(words):  # first: it comes with CUDA's and cuBLAS's wording as well
        return "out_of_memory"
    if any(int(number) in _LOST_NUMBERS for number in _NUMBER.findall(words)):
        return "device_lost"
    return "device_lost" if _LOST.search(words) else None


def brief(words: str) -> str:
    """An error in one line, for the log: CUDA's or the arena's own part if there is one."""
    line = " ".join(words.split())
    cause = _CAUSE.search(line)
    return (cause[0] if cause else line)[:_BRIEF]

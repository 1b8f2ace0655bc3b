"""The features of this processor that decide how a model is best prepared."""

import platform
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_CPUINFO: Final = Path("/proc/cpuinfo")
_NO_OVERFLOW_FLAGS: Final = frozenset({"avx512_vnni", "avx_vnni", "avx_vnni_int8", "amx_int8"})
_ARM: Final = frozenset({"aarch64", "arm64"})
_WORDS: Final = (
    ("amx_int8", "AMX"),
    ("avx512_bf16", "AVX512-BF16"),
    ("avx512_vnni", "AVX512-VNNI"),
    ("avx_vnni", "AVX-VNNI"),
    ("avx512f", "AVX512"),
    ("avx2", "AVX2"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cpu:
    """`model` is its name by the manufacturer, `flags` as Linux names them (empty if unknown)."""

    model: str
    machine: str
    flags: frozenset[str]

    @property
    def int8_is_safe(self) -> bool:
        """Whether sums of products of eight bits can't overflow (VNNI, AMX, any ARM)."""
        return self.machine.lower() in _ARM or bool(self.flags & _NO_OVERFLOW_FLAGS)

    @property
    def skills(self) -> str:
        """The features that matter for speed: `AVX2 alone`, `AVX512-VNNI, AVX512, AVX2`."""
        words = [word for flag, word in _WORDS if flag in self.flags]
        if words == ["AVX2"]:
            return "AVX2 alone"
        return ", ".join(words) or "no instructions known to matter"


def parse_cpuinfo(text: str, machine: str) -> Cpu:
    """From the text of `/proc/cpuinfo`."""
    model = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", text, re.MULTILINE)
    return Cpu(
        model=model[1].strip() if model else machine,
        machine=machine,
        flags=frozenset(flags[1].split()) if flags else frozenset(),
    )


@cache
def this_cpu() -> Cpu:
    """The local processor. Its flags are unknown except on Linux, which is the safe choice."""
    machine = platform.machine()
    try:
        return parse_cpuinfo(_CPUINFO.read_text(encoding="utf-8", errors="replace"), machine)
    except OSError:
        return Cpu(model=platform.processor() or machine, machine=machine, flags=frozenset())


def multiplies_int8_safely() -> bool:
    """`Cpu.int8_is_safe` of this machine."""
    return this_cpu().int8_is_safe

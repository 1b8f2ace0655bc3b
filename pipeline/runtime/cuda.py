"""CUDA: the options of its provider, and which library is missing.

Not yet tested on a real card.
"""

import ctypes
import re
import sys
from importlib import util
from pathlib import Path
from typing import Final

_PROVIDERS: Final = ("onnxruntime_providers_shared", "onnxruntime_providers_cuda")
_LIBRARY: Final = re.compile(r"(lib[\w.+-]+\.so(?:\.\d+)*)")


def provider_options(*, device_id: int, memory_limit_bytes: int | None = None) -> dict[str, str]:
    """Options of `CUDAExecutionProvider`, all explicit, so that they don't depend on a version's
    defaults.

    NHWC: convolutions in the layout of tensor cores. HEURISTIC: the default search times all
    algorithms again for each shape. kSameAsRequested: the arena grows by what is asked for, not to
    the next power of two, which on a full card is the difference between drawing and not.
    `memory_limit_bytes` bounds one session's arena.
    """
    options = {
        "device_id": str(device_id),
        "prefer_nhwc": "1",
        "cudnn_conv_algo_search": "HEURISTIC",
        "cudnn_conv_use_max_workspace": "1",
        "arena_extend_strategy": "kSameAsRequested",
        "do_copy_in_default_stream": "1",
    }
    if memory_limit_bytes is not None:
        options["gpu_mem_limit"] = str(memory_limit_bytes)
    return options


def missing_library(capi: Path | None = None) -> str | None:
    """The library that keeps ONNX Runtime's CUDA provider from loading, from the linker's message;
    None if all are found or it can't be determined. `capi`: the folder of its libraries."""
    if sys.platform != "linux":
        return None
    if capi is None:
        spec = util.find_spec("onnxruntime")
        if spec is None or spec.origin is None:
            return None
        capi = Path(spec.origin).parent / "capi"
    for name in _PROVIDERS:
        try:
            ctypes.CDLL(str(capi / f"lib{name}.so"), mode=ctypes.RTLD_GLOBAL)
        except OSError as error:
            return _library_named(str(error))
    return None


def _library_named(message: str) -> str | None:
    """`libcublasLt.so.13: cannot open shared object file: ...` names one."""
    match = _LIBRARY.match(Path(message.partition(":")[0]).name)
    return match[1] if match else None

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# onnxruntime is untyped
"""Which device really runs a model, determined by trying.

`onnxruntime.get_available_providers()` only says what was compiled in. A session that requests CUDA
without the CUDA libraries still loads and runs on the CPU, so one is created and checked.
"""

import contextlib
import io
import logging
from functools import cache
from importlib import metadata
from typing import Final, Literal

import onnxruntime as ort

from pipeline.errors import ModelError
from pipeline.runtime.cuda import missing_library

Wanted = Literal["auto", "cpu", "cuda"]

CPU: Final = "CPUExecutionProvider"
CUDA: Final = "CUDAExecutionProvider"

_log = logging.getLogger(__name__)

_SMALLEST: Final = bytes.fromhex(
    "080812003a330a0c0a0178120179220452656c751201705a0f0a0178120a0a08080112040a02080162"
    "0f0a0179120a0a08080112040a02080142040a00100d"
)
"""A model of one Relu on one float, as made by `onnx.helper` (IR 8, opset 13)."""

_FATAL, _WARNING = 4, 2


def both_runtimes_installed() -> bool:
    """Whether `onnxruntime` and `onnxruntime-gpu` are both installed.

    They provide the same Python module: the one installed last partly overwrites the other.
    """
    return _installed("onnxruntime") and _installed("onnxruntime-gpu")


def _installed(distribution: str) -> bool:
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


def choose_provider(wanted: Wanted, *, device_id: int = 0) -> str:
    """The provider for `wanted`, after trying it: `CPUExecutionProvider` or
    `CUDAExecutionProvider`.

    Raises ModelError `provider_library_missing` (with its name) or `provider_unavailable` if CUDA
    is requested by name and does not work; "auto" then uses the CPU and logs that.
    """
    if wanted == "cpu":
        return CPU
    if cuda_works(device_id):
        return CUDA
    if wanted == "cuda":
        library = missing_library()
        if library is not None:
            raise ModelError("provider_library_missing", wanted=CUDA, library=library)
        raise ModelError("provider_unavailable", wanted=CUDA, got=CPU)
    _log.info("No working CUDA device %d was found: drawing on the CPU", device_id)
    return CPU


@cache
def cuda_works(device_id: int) -> bool:
    """Whether a session that requests CUDA runs on it."""
    if CUDA not in ort.get_available_providers():
        return False
    ort.set_default_logger_severity(_FATAL)  # missing libraries are a result here, not an error
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does not find
            ort.preload_dlls()  # finds the libraries of the `cuda` extra
        options = ort.SessionOptions()
        options.log_severity_level = _FATAL
        session = ort.InferenceSession(
            _SMALLEST, options, providers=[(CUDA, {"device_id": str(device_id)}), CPU]
        )
        return session.get_providers()[0] == CUDA
    except Exception as error:  # noqa: BLE001  # ORT raises its own classes, all mean no
        _log.info("CUDA does not work: %s", error)
        return False
    finally:
        ort.set_default_logger_severity(_WARNING)

"""Which ONNX Runtime is installed. Two packages provide the same module: only one may be there."""

from importlib import metadata

from bot.doctor.values import Check, fail, ok
from pipeline.errors import ModelError

PACKAGES = ("onnxruntime", "onnxruntime-gpu")
_FIX = (
    "pip uninstall -y onnxruntime onnxruntime-gpu, then install again (make does: rm -r .venv; "
    "make run)."
)


def installed_runtimes() -> list[str]:
    """The installed packages that provide the module `onnxruntime`, with versions."""
    found: list[str] = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return found


def check_single_runtime() -> None:
    """ModelError if both are installed: their files overwrite each other."""
    if len(installed_runtimes()) > 1:
        raise ModelError("both_runtimes")


def check_runtimes() -> Check:
    """Check that exactly one is installed."""
    found = installed_runtimes()
    if len(found) == 1:
        return ok("ONNX Runtime", found[0])
    if not found:
        return fail("ONNX Runtime", "not installed", "pip install . in the project's folder.")
    return fail("ONNX Runtime", " and ".join(found) + " overwrite each other", _FIX)

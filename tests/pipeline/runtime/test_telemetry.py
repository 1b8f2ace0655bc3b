"""ONNX Runtime sends nothing about what is drawn here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]
_LOAD = "import pipeline.runtime.sessions\nimport onnxruntime\nonnxruntime.get_all_providers()"


@pytest.mark.parametrize(("set_to", "leaves"), [(None, False), ("0", True)])
def test_onnx_runtime_makes_no_id_of_the_device(
    tmp_path: Path, set_to: str | None, leaves: bool
) -> None:
    """It does as soon as it is imported, unless it is told not to report anything."""
    # CI variables turn it off as well, as does its own name for unit tests.
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    if set_to is not None:
        environment["ORT_DISABLE_TELEMETRY"] = set_to
    subprocess.run(
        [sys.executable, "-c", _LOAD], cwd=ROOT, env=environment, check=True, timeout=PATIENCE_S
    )
    assert any(tmp_path.rglob("deviceid")) is leaves

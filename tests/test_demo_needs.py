"""What `make demo` installs is what the demo imports, and much less than everything."""

import re
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path
from typing import Final

from tests.test_dependencies import canonical, declared

ROOT: Final = Path(__file__).resolve().parents[1]
LARGE: Final = ("torch", "diffusers", "transformers", "optimum", "optimum-onnx", "openvino", "ray")

_WITHOUT: Final = """
import runpy, sys
missing = set({missing!r})
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in missing:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Nothing())
sys.argv = ["bot", "demo"]
runpy.run_module("bot", run_name="__main__")
"""


def needed() -> set[str]:
    """The names of requirements-demo.txt."""
    lines = (ROOT / "requirements-demo.txt").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if line and not line.startswith("#")]
    return {canonical(re.split(r"[^\w.-]", line, maxsplit=1)[0]) for line in kept}


def with_theirs(names: set[str]) -> set[str]:
    """With what they need in turn."""
    found, left = set[str](), list(names)
    while left:
        name = left.pop()
        if name in found:
            continue
        found.add(name)
        with suppress(PackageNotFoundError):  # of another system or Python
            installed = "onnxruntime-gpu" if name == "onnxruntime" else name
            left += [
                canonical(re.split(r"[^\w.-]", line, maxsplit=1)[0])
                for line in requires(installed) or []
                if "extra ==" not in line
            ]
    return found


def test_the_list_is_part_of_what_the_package_needs() -> None:
    always, _ = declared()
    assert needed() <= always
    assert not with_theirs(needed()) & set(LARGE)


def test_the_demo_draws_with_nothing_else(tmp_path: Path) -> None:
    there = with_theirs(needed()) | {"ekaki"}
    missing = [
        module
        for module, by in packages_distributions().items()
        if not {canonical(each) for each in by} & there and not module.startswith(("_", "bot"))
    ]
    assert "torch" in missing
    ran = subprocess.run(
        [sys.executable, "-c", _WITHOUT.format(missing=missing)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "demo" / "picture.png").stat().st_size > 10_000

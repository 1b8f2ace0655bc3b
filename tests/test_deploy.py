"""What is shipped for containers and systemd fits the code."""

import configparser
import re
from pathlib import Path
from typing import Any, Final

import yaml

from tests.test_dependencies import canonical, declared

ROOT: Final = Path(__file__).resolve().parents[1]
_STOCK_ONLY: Final = {"torch", "diffusers", "transformers", "optimum", "optimum-onnx"}
_OF_THE_TARGET: Final = {"onnxruntime"}


def names(path: Path) -> set[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if line and not line.startswith("#")]
    return {canonical(re.split(r"[^\w.-]", line, maxsplit=1)[0]) for line in kept}


def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))


def test_the_image_has_everything_but_what_stock_needs() -> None:
    always, _ = declared()
    assert names(ROOT / "deploy/requirements-own.txt") == always - _STOCK_ONLY - _OF_THE_TARGET


def test_what_the_image_copies_is_in_its_context() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for name in " ".join(copied).split():
        assert (ROOT / name).exists(), name
        assert f"!{name}" in ignored, name
    assert not re.search(r"TOKEN|SECRET", dockerfile)


def test_the_runtime_of_the_image_is_the_tested_one() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    pinned = set(re.findall(r"onnxruntime(?:-gpu)?(?:\[[\w,]+\])?==([\d.]+)", dockerfile))
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    demo = (ROOT / "requirements-demo.txt").read_text(encoding="utf-8")
    tested = re.findall(r"^onnxruntime-gpu==([\d.]+)", constraints, re.MULTILINE)
    assert pinned == set(tested) == set(re.findall(r"^onnxruntime==([\d.]+)", demo, re.MULTILINE))


def test_compose_names_files_that_exist_and_keeps_the_bot_in() -> None:
    services = compose()["services"]
    for service in services.values():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert not source.startswith(".") or (ROOT / source).exists(), source
    bot = services["bot"]
    assert bot["read_only"]
    assert bot["cap_drop"] == ["ALL"]
    assert bot["restart"] == "unless-stopped"  # `on-failure` does not start it with the machine
    assert all(port.startswith("127.0.0.1:") for port in bot["ports"])


def test_the_unit_runs_the_bot_and_may_write_its_folders_only() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(ROOT / "deploy/ekaki.service")
    service = unit["Service"]
    assert service["ExecStart"].endswith("/python -m bot run")
    assert service["ProtectSystem"] == "strict"
    assert service["ReadWritePaths"].split() == ["/opt/ekaki/state", "/opt/ekaki/models"]

"""constraints.txt, from which `make` installs, fits pyproject.toml and belongs to no machine."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LINES = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
PINS = {
    canonicalize_name(name): version
    for name, _, version in (line.partition("==") for line in LINES if not line.startswith("#"))
}
TESTED_ON = {"sys_platform": "linux", "platform_machine": "x86_64", "python_version": "3.11"}


def requirements() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    return [Requirement(each) for each in named]


def test_a_line_is_a_name_and_a_version() -> None:
    odd = [line for line in LINES[1:] if not re.fullmatch(r"[\w.-]+==[\w.]+", line)]
    assert odd == []
    assert len(PINS) == len(LINES) - 1


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_what_pyproject_asks_for_is_pinned_within_its_range(requirement: Requirement) -> None:
    pinned = PINS.get(canonicalize_name(requirement.name))
    if requirement.marker is None or requirement.marker.evaluate(TESTED_ON):
        assert pinned is not None, "install it, then: make constraints"
    assert pinned is None or pinned in requirement.specifier

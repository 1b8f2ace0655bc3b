"""Tests that need a card: `make test-gpu`. Elsewhere each is skipped and says why."""

from functools import cache
from pathlib import Path

import pytest

from pipeline.runtime.cuda import missing_library
from pipeline.runtime.providers import cuda_works

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests in this folder, so that `-m gpu` finds them wherever tests are collected
    from."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.gpu)


@pytest.fixture(autouse=True)
def card() -> None:
    """Skip where no card works."""
    why = _why_not()
    if why:
        pytest.skip(f"needs a CUDA device: {why}")


@cache
def _why_not() -> str:
    if cuda_works(0):
        return ""
    library = missing_library()
    if library is not None:
        return f"{library} was not found"
    return "a session that asked for CUDA ran on the processor"

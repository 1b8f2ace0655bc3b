"""What all tests share."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["tests.support.loopback", "tests.support.openapi"]

settings.register_profile("ekaki", deadline=None)  # a busy machine is no mistake of ours
settings.load_profile("ekaki")

_MEMORY = Path("/dev/shm")  # Linux's file system in memory
_ROOM_BYTES = 4 * 2**30


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Temporary folders in memory, where there is room: our databases wait for the disk at every
    commit, and a busy one may take seconds, more than Discord waits for an answer."""
    if config.option.basetemp is None and _has_room():
        config.option.basetemp = tempfile.mkdtemp(prefix="ekaki-tests-", dir=_MEMORY)
        config.add_cleanup(lambda: shutil.rmtree(config.option.basetemp, ignore_errors=True))


def _has_room() -> bool:
    try:
        return shutil.disk_usage(_MEMORY).free > _ROOM_BYTES
    except OSError:
        return False

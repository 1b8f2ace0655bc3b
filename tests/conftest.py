"""What all tests share."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = [
    "tests.support.chromium",
    "tests.support.fresh_database",
    "tests.support.loopback",
    "tests.support.openapi",
]

# The same examples in every run, and a busy machine is no mistake of ours. `explore` looks for new
# ones: CONTRIBUTING.md.
settings.register_profile(
    "ekaki", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "explore", settings.get_profile("ekaki"), derandomize=False, max_examples=1000
)
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


# The files that take longest begin first, so that no worker has one of them left at the end. The
# others follow in their usual order.
_LONGEST = (
    "tests/chaos/test_chaos_rounds.py",
    "tests/pipeline/runtime/test_openvino.py",
    "tests/pipeline/prepare/test_prepare.py",
    "tests/pipeline/prepare/test_weight_files.py",
    "tests/bot/playground/page/test_filling.py",
    "tests/bot/playground/page/test_keyboard.py",
    "tests/pipeline/prepare/test_interrupted.py",
    "tests/pipeline/prepare/lora/test_lora.py",
    "tests/bot/playground/page/test_layout.py",
    "tests/bot/playground/page/test_page.py",
    "tests/bot/playground/page/test_moderation_walk.py",
    "tests/bot/cli/test_offering.py",
    "tests/pipeline/lora/test_drawing.py",
    "tests/bot/jobs/draw/test_at_once.py",
    "tests/bot/safety/test_moderation_tables.py",
    "tests/cogs/drawing/test_concurrent_limits.py",
    "tests/cogs/drawing/test_refused_pictures.py",
    "tests/bot/cli/test_imagine.py",
    "tests/pipeline/engine/test_stock.py",
    "tests/bot/web/test_browser.py",
    "tests/pipeline/test_demo_model.py",
    "tests/bot/playground/page/test_gallery_walk.py",
    "tests/chaos/test_kill_while_moderating.py",
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    places = {config.rootpath / name: place for place, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


def _has_room() -> bool:
    try:
        return shutil.disk_usage(_MEMORY).free > _ROOM_BYTES
    except OSError:
        return False

"""Threads for long work have a lower priority than the event loop's."""

import os
import sys

import pytest

from bot.common import work_thread
from bot.common.work_thread import WorkThread


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="this is Windows or macOS")
async def test_a_low_priority_that_the_process_has_already_stays(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Under `nice`, raising it would be refused to anybody but root."""
    ours = niceness()
    for wanted in (ours + 2, ours - 1):
        monkeypatch.setattr(work_thread, "NICENESS", wanted)
        thread = WorkThread("long work")
        assert await thread.call(niceness) == max(wanted, ours)
        await thread.close()
    assert "priority" not in caplog.text

"""A host has hours of its own and makes room for its other programs. Without Ray."""

import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.common.hours import Hours
from bot.config.settings import Settings
from bot.hosts import host
from bot.hosts.own_time import OwnTime
from bot.sharing.yielding import SHORT_S, SUSTAINED_S, Use
from tests.support.clock import ManualClock
from tests.support.patience import PATIENCE_S

TOKYO = ZoneInfo("Asia/Tokyo")
MONDAY = datetime(2026, 11, 30, 21, 59, 0, tzinfo=TOKYO).timestamp()
NIGHT = Settings(draw_hours=Hours.parse("22:00-08:00"), draw_time_zone="Asia/Tokyo")


class Told:
    """Says what the test wants."""

    def __init__(self) -> None:
        self.use = Use(load=0.0, free_bytes=10**10)

    def read(self, *, drawing: bool) -> Use:
        return self.use


def test_outside_its_hours_it_has_no_time() -> None:
    clock = ManualClock(MONDAY)
    own = OwnTime(NIGHT, clock=clock)
    assert own.taken(drawing=False) == "outside DRAW_HOURS until Mon 22:00"
    clock.advance(60)
    assert own.taken(drawing=False) == ""
    assert OwnTime(Settings(), clock=clock).taken(drawing=True) == ""


def test_other_programs_come_first() -> None:
    clock, meter = ManualClock(), Told()
    settings = Settings(yield_load_percent=50, yield_free_mb=1000, yield_quiet_s=30)
    own = OwnTime(settings, clock=clock, meters=[meter])

    def after(seconds: float) -> str:
        found = own.taken(drawing=True)
        for _ in range(int(seconds // 2)):
            clock.advance(2)
            found = own.taken(drawing=True)
        return found

    assert after(60) == ""
    meter.use = Use(load=0.9)
    assert after(SUSTAINED_S - 2) == ""
    assert after(4) == "other programs need this machine"
    assert not own.is_short
    meter.use = Use(load=0.0, free_bytes=10**10)
    assert after(40) == ""
    meter.use = Use(load=0.0, free_bytes=10**6)
    assert after(SHORT_S + 2) == "other programs need this machine"
    assert own.is_short


@dataclass
class FakeNode:
    """Runs until it is stopped."""

    runs: bool = True

    def stop(self) -> None:
        self.runs = False


class Stop(threading.Event):
    """Lets the clock go on whenever somebody waits for it, and is set in the end."""

    def __init__(self, clock: ManualClock, *, ends_at: float) -> None:
        super().__init__()
        self._clock, self._ends_at = clock, ends_at

    def wait(self, timeout: float | None = None) -> bool:
        self._clock.advance(30)
        if self._clock.now >= self._ends_at:
            self.set()
        return super().wait(0)


def test_a_host_joins_when_its_hours_begin_and_leaves_when_they_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = ManualClock(MONDAY)
    monkeypatch.setattr(host, "listens", bool)
    monkeypatch.setattr(host, "_NOTICED_S", 0.0)
    nodes: list[FakeNode] = []
    left_politely: list[bool] = []
    here: Any = host._Host(  # pyright: ignore[reportPrivateUsage]
        NIGHT, tmp_path, [], address="x:1", name="attic",
        own_time=OwnTime(NIGHT, clock=clock),
    )  # fmt: skip

    def join(stop: threading.Event) -> FakeNode:
        (tmp_path / "report").write_text("")
        nodes.append(FakeNode())
        joined_at.append(clock.now)
        return nodes[-1]

    def stop_node(node: FakeNode) -> None:
        left_politely.append((tmp_path / f"report{host.LEAVING}").exists())
        node.runs = False

    joined_at: list[float] = []
    monkeypatch.setattr(here, "_join", join)
    monkeypatch.setattr(FakeNode, "stop", stop_node)
    stop = Stop(clock, ends_at=MONDAY + 26 * 3600)
    thread = threading.Thread(target=here.run, args=(stop,), daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert [round((at - MONDAY) / 3600) for at in joined_at] == [0, 24]
    assert left_politely[0]
    assert not any(node.runs for node in nodes)
    said = capsys.readouterr()
    assert "attic rests: outside DRAW_HOURS until Mon 22:00." in said.out
    assert "attic rests: outside DRAW_HOURS until Tue 22:00." in said.out
    assert "connection to the bot is lost" not in said.err + said.out

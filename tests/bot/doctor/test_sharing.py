"""What `doctor` says of hours and of other programs."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from bot.common.hours import Hours
from bot.config.settings import Settings
from bot.doctor.sharing import check_sharing
from bot.sharing import cards
from pipeline.plan import on_card
from pipeline.plan.on_card import Card

MONDAY = datetime(2026, 11, 30, 15, 0, tzinfo=ZoneInfo("Asia/Tokyo")).timestamp()


def test_nothing_is_said_where_nothing_is_set() -> None:
    assert list(check_sharing(Settings())) == []


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("22:00-08:00", "22:00-08:00 (Asia/Tokyo): rests until Mon 2026-11-30 22:00"),
        ("mon", "mon (Asia/Tokyo): draws until Tue 2026-12-01 00:00"),
    ],
)
def test_until_when_it_draws_or_rests(typed: str, found: str) -> None:
    settings = Settings(draw_hours=Hours.parse(typed), draw_time_zone="Asia/Tokyo")
    (check,) = check_sharing(settings, now=MONDAY)
    assert (check.result, check.found) == ("ok", found)


def test_what_others_use_of_the_processors_is_measured() -> None:
    (check,) = check_sharing(Settings(provider="cpu", yield_load_percent=50))
    assert check.result == "ok"
    assert "of the processors now" in check.found
    (check,) = check_sharing(Settings(provider="cpu", yield_free_mb=1_000_000))
    assert check.result == "warn"
    assert "less than YIELD_FREE_MB" in check.found


def test_a_card_whose_use_can_not_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_card(device_id: int) -> Card:
        return Card(name=f"Card {device_id}", total_bytes=8 * 2**30)

    monkeypatch.setattr(on_card, "read_card", read_card)
    monkeypatch.setattr(cards, "nvml", lambda: None)
    (check,) = check_sharing(Settings(yield_load_percent=50))
    assert check.result == "warn"
    assert "what they use of Card 0 can't be told" in check.found
    assert "nvidia-ml-py" in check.fix

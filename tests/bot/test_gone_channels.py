"""Channels that are gone are remembered, but not all of them for ever."""

import pytest

from bot.client import client
from bot.client.client import GoneChannels


def test_the_latest_gone_channels_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MAX_GONE", 3)
    gone = GoneChannels()
    for channel_id in range(1000):
        gone.add(channel_id)
        gone.add(channel_id)
    assert [each for each in range(1000) if each in gone] == [997, 998, 999]

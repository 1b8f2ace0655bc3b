"""Channels that are gone are remembered, but not all of them forever."""

import pytest

from bot.client import client
from bot.client.client import NotedChannels


def test_the_latest_gone_channels_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MAX_NOTED", 3)
    gone = NotedChannels()
    for channel_id in range(1000):
        gone.add(channel_id)
        gone.add(channel_id)
    assert [each for each in range(1000) if each in gone] == [997, 998, 999]

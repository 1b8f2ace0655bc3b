"""The bot over a loopback Discord, as fixtures."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bot.outbox import dispatcher, verdict
from bot.playground.simulator import limits
from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.sharding import Sharding
from bot.sharing import service as sharing_service
from cogs.common import orphans
from cogs.drawing import submission
from cogs.gallery.posting import queues
from cogs.moderation import log_channel
from cogs.pictures import message_menus
from pipeline.tags.index import TagIndex
from tests.cogs.running import Discord, Running, running_bot
from tests.cogs.visitors import Visitor
from tests.support.patience import PATIENCE_S
from tests.support.simulator import Loopback
from tests.support.vocabulary import vocabulary


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine misses none of Discord's deadlines, and the bot answers late rather than
    with a placeholder. Tests of what happens then set their own."""
    monkeypatch.setattr(limits, "ACKNOWLEDGE_WITHIN_S", PATIENCE_S)
    monkeypatch.setattr(submission, "UNDECIDED_S", PATIENCE_S)
    monkeypatch.setattr(message_menus, "DOWNLOAD_S", PATIENCE_S)
    monkeypatch.setattr(orphans, "ORPHAN_AFTER_S", PATIENCE_S)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tried again is so soon."""
    pauses = tuple(pause_s / 20 for pause_s in verdict.BACKOFF_S)
    for module in (verdict, dispatcher):
        monkeypatch.setattr(module, "BACKOFF_S", pauses)
    monkeypatch.setattr(queues, "_AGAIN_S", 0.05)
    monkeypatch.setattr(log_channel, "SETTLE_S", 0.05)
    monkeypatch.setattr(dispatcher, "PAUSE_S", 0.005)
    monkeypatch.setattr(sharing_service, "LOOK_EVERY_S", 0.02)


@pytest.fixture
def sharding() -> Sharding:
    """One shard, which may identify again at once, as tests restart the bot so."""
    return Sharding(identify_every_s=0.0)


@pytest.fixture
async def place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sharding: Sharding
) -> AsyncGenerator[Discord, None]:
    """A loopback Discord with its default world, without a bot yet."""

    def shipped(data_dir: Path) -> TagIndex:
        return vocabulary()

    monkeypatch.setattr("bot.compose.load_vocabulary", shipped)
    async with Loopback(sharding=sharding) as loopback:
        yield Discord(loopback, tmp_path / "state")


@pytest.fixture
async def running(place: Discord) -> AsyncGenerator[Running, None]:
    """A bot in it, ready."""
    async with running_bot(place) as running:
        yield running


@pytest.fixture
def alice(place: Discord) -> Visitor:
    """A member."""
    return Visitor(place, IDS.alice)


@pytest.fixture
def bob(place: Discord) -> Visitor:
    """Another member."""
    return Visitor(place, IDS.bob)


@pytest.fixture
def moderator(place: Discord) -> Visitor:
    """A member who may manage messages."""
    return Visitor(place, IDS.moderator)

"""The whole log of a bot at DEBUG, from login to the stored picture, holds no secret."""

import io
import logging
import sys
import threading
from collections.abc import Iterator

import pytest

from bot.common import logs
from bot.common.secret import Secret
from bot.gallery.links import Grant
from bot.playground.simulator.default_world import IDS
from data.store import notes
from pipeline.rating import Rating
from tests.cogs.running import Discord, running_bot


@pytest.fixture
def log(place: Discord) -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = (list(root.handlers), root.level, sys.excepthook, threading.excepthook)
    stream = io.StringIO()
    logs.set_up("DEBUG", (Secret(place.loopback.token),), stream=stream)
    yield stream
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    sys.excepthook, threading.excepthook = before[2], before[3]
    logging.captureWarnings(False)


async def test_no_secret_stands_in_the_log_of_an_imagine(place: Discord, log: io.StringIO) -> None:
    async with running_bot(place, web_address="127.0.0.1:8") as running:
        sent = place.alice.imagine(prompt="1girl, a very particular hat")
        await place.answer(sent)
        await running.delivery("delivered")
        private = place.bob.imagine(prompt="1girl", private=True)
        await place.answer(private)
        await running.all_delivered(2)
        grant = Grant(
            collection_id="abcdefghjkmn", user_id=IDS.alice, guild_id=None, ceiling=Rating.SAFE
        )
        link = await running.services.links.make(grant)
        logging.getLogger("aiohttp.client").debug("GET %s", link)
        async with running.services.database.reader() as connection:
            key = await notes.get(connection, key="link_key")
    written = log.getvalue()
    assert "discord.http" in written, "the bot did not log at DEBUG"
    assert "discord.gateway" in written
    secrets = [place.loopback.token, sent.token, private.token, key, link.rpartition(".")[2]]
    for secret in secrets:
        assert secret
        assert secret not in written
    assert "a very particular hat" not in [
        line for line in written.splitlines() if "aiosqlite" in line
    ]

"""The whole log of a bot at DEBUG, from login to the stored picture, holds no secret."""

import io
import json
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
from pipeline.errors import EngineError
from pipeline.rating import Rating
from tests.cogs.running import Discord, running_bot
from tests.support.fake_engine import FakeEngine


@pytest.fixture(params=["text", "json"])
def form(request: pytest.FixtureRequest) -> logs.LogFormat:
    return request.param


@pytest.fixture
def log(place: Discord, form: logs.LogFormat) -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = (list(root.handlers), root.level, sys.excepthook, threading.excepthook)
    stream = io.StringIO()
    logs.set_up("DEBUG", (Secret(place.loopback.token),), form=form, stream=stream)
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


@pytest.mark.parametrize("form", ["json"])
async def test_json_lines_name_job_and_server(place: Discord, log: io.StringIO) -> None:
    def fail(*_: object) -> Exception:
        return EngineError("engine_failed")

    async with running_bot(place, engine=FakeEngine(fail_at=fail)) as running:
        await place.answer(place.alice.imagine(prompt="1girl"))
        job = await running.delivery("delivered")
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    (failed,) = (each for each in lines if each["message"].startswith(f"Job {job.id} failed"))
    assert (failed["job"], failed["guild"]) == (job.id, str(IDS.guild))
    assert "EngineError" in failed["exception"]
    answers = [each for each in lines if "/callback" in each["message"]]
    assert answers
    assert {each["guild"] for each in answers} == {str(IDS.guild)}

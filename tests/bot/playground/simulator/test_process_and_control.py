"""The loopback in its own process, its control routes, and what it keeps."""

import asyncio
import json
import signal
import sys

import aiohttp
import pytest

from bot.playground.simulator.check_message import Upload
from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.posting import Body
from bot.playground.simulator.state import StateUnreadable, load_world, save_world
from tests.support.simulator import Loopback

# pyright: basic


async def test_it_serves_in_its_own_process_and_keeps_its_world(tmp_path):
    arguments = ("-m", "tests.support.loopback_process", "--state", str(tmp_path))
    for expected in (0, 1):
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        about = json.loads(await process.stdout.readline())
        query = f"?as={IDS.bob}&channel={IDS.general}"
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{about['url']}/loopback/messages{query}") as response:
                assert len(await response.json()) == expected
            said = {"as": IDS.alice, "channel": IDS.general, "content": "kept"}
            async with session.post(f"{about['url']}/loopback/act/say", json=said) as response:
                assert response.status == 200
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


async def test_pages_of_other_sites_get_no_answer(loopback):
    url = f"{loopback.url}/loopback/state?as={IDS.alice}"
    async with aiohttp.ClientSession() as session:
        for headers, status in (
            ({}, 200),
            ({"Origin": loopback.url}, 200),
            ({"Origin": "http://evil.example"}, 403),
            ({"Host": "evil.example"}, 403),
        ):
            async with session.get(url, headers=headers) as response:
                assert response.status == status


async def test_only_who_manages_a_server_invites_the_bot(loopback):
    async with aiohttp.ClientSession() as session:
        for person, status in ((IDS.alice, 422), (IDS.moderator, 200), (IDS.owner, 200)):
            body = {"as": person, "guild": IDS.guild}
            async with session.post(f"{loopback.url}/loopback/act/invite", json=body) as response:
                assert response.status == status


async def test_the_event_feed_hides_what_is_for_others(loopback):
    url = f"{loopback.url}/loopback/events?as={IDS.bob}"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert (await response.content.readline()).startswith(b": connected")
        loopback.alice.say("private", channel=IDS.dm_alice)
        loopback.alice.say("public", channel=IDS.general)
        while not (line := await response.content.readline()).startswith(b"data: "):
            pass
        assert json.loads(line[6:])["data"]["content"] == "public"


async def test_attachments_and_messages_survive_saving(tmp_path):
    async with Loopback() as first:
        channel = first.world.channel(IDS.general)
        upload = Upload(filename="a.png", content_type="image/png", data=b"bytes")
        first.posting.create(channel, Body(uploads={0: upload}), author_id=IDS.bot)
        save_world(first.world, tmp_path)
    again = load_world(tmp_path)
    (message,) = again.messages.values()
    assert message.attachments[0].data == b"bytes"
    assert again.new_id() > message.id
    (tmp_path / "world.json").write_text("{")
    with pytest.raises(StateUnreadable):
        load_world(tmp_path)

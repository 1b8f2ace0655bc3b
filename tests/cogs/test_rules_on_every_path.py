"""The hard rules hold on whatever way a word comes in, to the person only, and cost nothing."""

from collections.abc import AsyncGenerator

import pytest

from bot.playground.simulator.default_world import IDS
from data.guilds import audit
from data.guilds.audit import AuditKind
from tests.cogs.pictures.files import png, post
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, open_bot, whole
from tests.support.views import MessageView

REFUSED = "This rule holds on every server"


@pytest.fixture
async def running(place: Discord) -> AsyncGenerator[Running, None]:
    async with open_bot(place) as running:
        yield running


async def refused(running: Running, *said: MessageView) -> None:
    texts = [message.text for message in said]
    assert [text for text in texts if REFUSED not in text] == []
    assert all(message.ephemeral for message in said)
    assert await running.used() == 0
    assert await running.jobs() == []
    async with running.services.database.reader() as reader:
        log = await audit.page(reader, guild_id=None, kinds=[AuditKind.REFUSED], offset=0, limit=50)
    assert len(log) == len(said)
    assert {entry.details["error"] for entry in log} == {"rule_minor_coded"}


async def from_form(visitor: Visitor, prompt: str, **options: str) -> MessageView:
    opened = await visitor.member.slash("imagine-form", options, channel=IDS.general)
    filled = {"modal_prompt": prompt} if prompt else {}
    return await whole(await visitor.member.submit_modal(opened, filled))


async def test_in_every_option(running: Running, alice: Visitor) -> None:
    await refused(
        running,
        await alice.imagine("1girl, (lo(li):1.2)"),
        await alice.imagine("1girl", tags="l0li"),
        await alice.imagine("1girl", character="lоli"),
        await alice.imagine("1girl", series="ｌｏｌｉ"),
        await alice.imagine("1girl", negative="hat, (loli:-1)"),
        await alice.imagine("1girl --no (loli:-1)"),
        await alice.imagine("1girl BREAK lo\u200bli"),
        await alice.imagine("1girl, <lora:loli_style:0.8>"),
        await alice.imagine("1girl", tags="l i", character="l o"),
        await alice.imagine("1girl, ｛smile｜l0li｝"),
        await alice.imagine("1girl, {smile|hat}", tags="{hat|[bow|loli]}"),
        await alice.imagine("1girl", negative="{hat|(loli:-1)}"),
        await alice.imagine("2girls, left: hat | right: [bow:loli:0.9]"),
        await alice.answer("compare", prompt="1girl, l0li", option="cfg", values="5 | 7"),
    )


async def test_with_what_the_vocabulary_knows(running: Running, alice: Visitor) -> None:
    said = await alice.imagine("child, skirt_lift")
    assert REFUSED in said.text
    assert said.ephemeral
    assert await running.jobs() == []


async def test_in_presets_and_own_defaults(running: Running, alice: Visitor) -> None:
    await alice.answer("preset save", name="Mine", prompt="solo, l0li")
    await alice.answer("preset save", name="Not", negative="(loli:-1)")
    await refused(
        running,
        await from_form(alice, "1girl, l0li"),
        await from_form(alice, "", saved="Mine"),
        await alice.imagine("1girl", saved="Mine"),
        await alice.imagine("1girl", saved="Not"),
    )


@pytest.mark.parametrize("key", ["parameters", "Description", "prompt"])
async def test_in_the_metadata_of_a_strangers_picture(
    place: Discord, running: Running, alice: Visitor, bob: Visitor, key: str
) -> None:
    texts = {
        "parameters": {
            "parameters": "1girl, ((lo)li:1.1)\nNegative prompt: hat\nSteps: 9, Seed: 1"
        },
        "Description": {
            "Software": "NovelAI",
            "Description": "1girl, {{loli}}",
            "Comment": '{"prompt": "1girl, {{loli}}", "steps": 9, "uc": "hat", "seed": 1}',
        },
        "prompt": {
            "prompt": '{"1": {"class_type": "CLIPTextEncode", "inputs": {"text": "1girl, l0li"}},'
            ' "2": {"class_type": "KSampler", "inputs": {"positive": ["1", 0], "seed": 1,'
            ' "steps": 9}}}'
        },
    }[key]
    message = post(place, bob, png(**texts), "loli.png")
    opened = await alice.member.message_command("Remix", message)
    assert opened.modal is not None
    await refused(running, await whole(await alice.member.submit_modal(opened, {})))


async def test_a_files_name_says_nothing(
    place: Discord, running: Running, alice: Visitor, bob: Visitor
) -> None:
    message = post(place, bob, png(parameters="1girl, sea\nSteps: 9, Seed: 1"), "loli.png")
    opened = await alice.member.message_command("Remix", message)
    sent = await whole(await alice.member.submit_modal(opened, {}))
    assert REFUSED not in sent.text
    (job,) = await running.jobs()
    assert "loli" not in job.request.prompt

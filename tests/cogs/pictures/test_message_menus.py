"""The menus of messages: our own pictures and strangers' files, read with care."""

import asyncio
import json

import pytest

from bot.playground.simulator.default_world import IDS
from cogs.common import attachments
from cogs.pictures import message_menus
from cogs.pictures.message_menus import DOWNLOAD_S
from tests.cogs.pictures.files import A1111, files, filled, noted, png, post
from tests.cogs.pictures.test_results import drawn, new_job, text_of
from tests.cogs.running import Discord
from tests.cogs.visitors import Visitor, open_bot, whole
from tests.support.faults import Fault


async def test_remix_from_the_menu_of_our_own_message(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with open_bot(place) as running:
        _, message = await drawn(alice, running)
        sent = await bob.member.message_command("Remix", message)
        assert filled(sent)["prompt"] == "1girl, smile"
        words = await text_of(await bob.member.message_command("Picture settings", message))
        assert "Seed: 42" in words
        await bob.member.submit_modal(sent, {})
        assert (await new_job(running, 1)).user_id == IDS.bob


async def test_a_job_that_waits_can_be_remixed(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with open_bot(place) as running:
        running.engine.hold()
        message = await alice.imagine("1girl, rain")
        sent = await bob.member.message_command("Remix", message)
        assert filled(sent)["prompt"] == "1girl, rain"
        words = await text_of(await bob.member.message_command("Picture settings", message))
        assert "no picture" in words


async def test_a_private_job_does_not_leak_by_a_file_name(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with open_bot(place) as running:
        private, _ = await drawn(alice, running, prompt="secret", private=True)
        message = post(place, bob, png(), f"ekaki-{private.id}-1.png")
        for command in ("Remix", "Picture settings"):
            sent = await bob.member.message_command(command, message)
            assert "picture is private" in await text_of(sent)


async def test_a_strangers_png_fills_the_form(place: Discord, alice: Visitor, bob: Visitor) -> None:
    async with open_bot(place) as running:
        message = post(place, bob, png(parameters=A1111))
        sent = await alice.member.message_command("Remix", message)
        assert filled(sent) == {
            "prompt": "1girl, sea",
            "negative": "hat",
            "settings": "--ar 1216x832 --steps 60 --cfg 6 --sampler DPM++ 2M Karras --seed 77"
            " --preset None",
        }
        assert "150 steps: 60 is the nearest" in noted(sent)
        settings = await alice.member.message_command("Picture settings", message)
        words = await text_of(settings)
        assert "Steps" in words
        assert "150" in words
        assert "<@1>" not in words.replace("\\<@1>", "")
        assert settings.message is not None
        assert settings.message.mention_ids == []
        await alice.member.submit_modal(sent, {})
        job = await new_job(running, 0)
        assert (job.request.seed, job.request.sampler.value) == (77, "DPM++ 2M Karras")
        assert "masterpiece" not in job.request.prompt, "the stranger's prompt is complete"


async def test_the_first_file_that_says_something_counts(place: Discord, alice: Visitor) -> None:
    other = A1111.replace("77", "78")
    async with open_bot(place):
        message = files(place, alice, png(), png(parameters=A1111), png(parameters=other))
        form = filled(await alice.member.message_command("Remix", message))
        assert "--seed 77" in form["settings"]
        message = files(place, alice, png(), png(workflow="{}"))
        words = await text_of(await alice.member.message_command("Picture settings", message))
    assert "made with ComfyUI" in words, "what tells more is told, not the first trouble"


async def test_a_forwarded_message_is_read(place: Discord, alice: Visitor, bob: Visitor) -> None:
    async with open_bot(place) as running:
        theirs = post(place, bob, png(parameters=A1111))
        _, ours = await drawn(alice, running)
        for message, seed in ((theirs, 77), (ours, 42)):
            forwarded = place.loopback.actions.forward(IDS.bob, message.id, IDS.general)
            view = bob.member.view(forwarded)
            form = filled(await alice.member.message_command("Remix", view))
            assert f"--seed {seed}" in form["settings"]
            words = await text_of(await alice.member.message_command("Picture settings", view))
            assert f"Seed: {seed}" in words or f"--seed {seed}" in words


async def test_a_forwarded_private_picture_stays_private(
    place: Discord, alice: Visitor, bob: Visitor
) -> None:
    async with open_bot(place) as running:
        private, _ = await drawn(alice, running, prompt="secret", private=True)
        message = post(place, bob, png(), f"ekaki-{private.id}-1.png")
        forwarded = place.loopback.actions.forward(IDS.bob, message.id, IDS.general)
        sent = await bob.member.message_command("Picture settings", bob.member.view(forwarded))
        assert "picture is private" in await text_of(sent)


async def test_an_embeds_picture_is_read_from_discords_servers_alone(
    place: Discord, alice: Visitor
) -> None:
    async with open_bot(place):
        theirs = post(place, alice, png(parameters=A1111))
        url = theirs.attachments[0].url
        for host, told in ((url, "--seed 77"), ("http://127.0.0.2:9/a.png", "no picture")):
            message = place.loopback.actions.say(IDS.alice, IDS.general, "look")
            message.embeds = [{"type": "image", "thumbnail": {"url": host}}]
            view = alice.member.view(message)
            sent = await alice.member.message_command("Picture settings", view)
            assert told in await text_of(sent)


async def test_what_cannot_be_repeated_is_said(place: Discord, alice: Visitor) -> None:
    text = A1111.replace("DPM++ 2M Karras", "UniPC").replace("sea", "sea, <lora:ink:1>")
    async with open_bot(place):
        message = post(place, alice, png(parameters=text))
        sent = await alice.member.message_command("Remix", message)
        words = await text_of(await alice.member.message_command("Picture settings", message))
        await alice.member.submit_modal(sent, {})
    assert filled(sent)["prompt"] == "1girl, sea"
    for said in (noted(sent), words):
        assert "LoRAs: ink" in said
        assert "UniPC" in said


@pytest.mark.parametrize(
    "texts",
    [
        {"Comment": json.dumps({"prompt": "{1girl}", "uc": "hat", "steps": 28, "seed": 5})},
        {
            "prompt": json.dumps({
                "1": {"class_type": "KSampler", "inputs": {
                    "positive": ["2", 0], "negative": ["3", 0], "steps": 28, "seed": 5}},
                "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "(1girl:1.05)"}},
                "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "hat"}},
            })
        },
    ],
    ids=["NovelAI", "ComfyUI"],
)  # fmt: skip
async def test_so_do_novelais_and_comfyuis(
    place: Discord, alice: Visitor, texts: dict[str, str]
) -> None:
    async with open_bot(place):
        message = post(place, alice, png(**texts))
        form = filled(await alice.member.message_command("Remix", message))
    assert form == {
        "prompt": "(1girl:1.05)", "negative": "hat",
        "settings": "--steps 28 --seed 5 --preset None",
    }  # fmt: skip


BOMB = png(30_000)  # 8 pixels high here; what counts is that nothing decodes it


@pytest.mark.parametrize(
    ("data", "name", "told"),
    [
        (b"just text", "mine.png", "does not say how it was made"),
        (b"", "mine.png", "does not say how it was made"),
        (png(), "mine.png", "does not say how it was made"),
        (png(parameters="x" * 100_000), "mine.png", "does not say how it was made"),
        (png(prompt="[" * 50_000), "mine.png", "does not say how it was made"),
        (png(workflow="{}"), "mine.png", "made with ComfyUI"),
        (BOMB, "mine.png", "does not say how it was made"),
        (b"\x89PNG\r\n\x1a\n" + bytes(11 * 2**20), "mine.png", "too large"),
        (png(parameters=A1111), "mine.txt", "no picture"),
    ],
    ids=["text", "empty", "plain", "long", "nested", "named", "wide", "11 MiB", "not a picture"],
)
async def test_any_other_file_is_answered_kindly(
    place: Discord, alice: Visitor, data: bytes, name: str, told: str
) -> None:
    async with open_bot(place):
        message = post(place, alice, data, name)
        for command in ("Remix", "Picture settings"):
            sent = await alice.member.message_command(command, message)
            assert told in await text_of(sent)
            assert sent.modal is None


async def test_a_download_ends_at_its_bound_whatever_was_announced(
    place: Discord, alice: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unchecked(attachment: object, *, limit_bytes: int) -> None:
        pass

    monkeypatch.setattr(attachments, "check_announced", unchecked)
    async with open_bot(place):
        message = post(place, alice, b"\x89PNG\r\n\x1a\n" + bytes(11 * 2**20))
        words = await text_of(await alice.member.message_command("Remix", message))
    assert "at most 10 MB" in words


async def test_a_message_without_a_file_is_answered_kindly(place: Discord, alice: Visitor) -> None:
    async with open_bot(place):
        message = alice.member.say("hello", channel=IDS.general)
        words = await text_of(await alice.member.message_command("Remix", message))
    assert "no picture" in words


async def test_a_file_that_discord_no_longer_has_is_answered_kindly(
    place: Discord, alice: Visitor
) -> None:
    async with open_bot(place):
        message = post(place, alice, png(parameters=A1111))
        place.loopback.faults.add(Fault(method="GET", path="/cdn/", status=404, code=0))
        words = await text_of(await alice.member.message_command("Remix", message))
    assert "Upload it again" in words


async def test_a_slow_download_is_given_up(
    place: Discord, alice: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert DOWNLOAD_S < 2.5, "a form must be the first response, and Discord waits for 3 s"
    monkeypatch.setattr(message_menus, "DOWNLOAD_S", 0.2)
    arrives = asyncio.Event()
    async with open_bot(place):
        message = post(place, alice, png(parameters=A1111))
        place.loopback.faults.add(Fault(method="GET", path="/cdn/", until=arrives))
        sent = await alice.member.message_command("Remix", message)
        assert "too long to download" in await text_of(sent)
        arrives.set()


async def test_the_answer_is_whole(place: Discord, alice: Visitor) -> None:
    """A stranger's text with Discord's own marks stays text."""
    async with open_bot(place):
        evil = "[x](http://a.b) @everyone ``` **b**"
        text = f"{evil}\nSteps: 1, Sampler: {evil.replace(',', '')}, Seed: 2, CFG scale: 3"
        message = post(place, alice, png(parameters=text))
        shown = await whole(await alice.member.message_command("Picture settings", message))
    assert shown.text.count("```") == 2
    assert "\\*\\*b" in shown.text

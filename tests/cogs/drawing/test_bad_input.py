"""What people and the world throw at the bot: the words shown, the job, the quota, and it lives."""

import os
import sqlite3
from typing import Any

import pytest

from bot.playground.simulator.default_world import IDS
from data.store.database import DATABASE_NAME
from tests.cogs.running import Discord, Running, words
from tests.support.faults import Fault
from tests.support.patience import until


async def deliver(place: Discord, running: Running, **options: Any) -> str:
    """Ask, wait for the picture, give everything that can be read under it."""
    sent = place.alice.imagine(**options)
    message = await place.answer(sent)
    job = await running.delivery("delivered")
    assert job.state == "finished"
    assert await running.used() == 1
    assert len(message.attachments) == 1
    assert message.mention_ids == []
    return words(message)


@pytest.mark.parametrize(
    ("prompt", "drawn"),
    [
        ("1girl, (smile", "(smile"),
        ("1girl, smile))) ]]", "1girl"),
        ("(smile:0), (hat:-1), (cat:99), (dog:nan), (owl:inf)", "smile"),
        ("1girl\x00\x07\x1b[31m, hat", "hat"),
        ("1girl, 🎨✨, 👨‍👩‍👧‍👦", "🎨"),
        ("1girl, \u202eevil\u202c, שלום, مرحبا", "שלום"),
        ("@everyone @here <@&1> <@2>, 1girl", "1girl"),
        ("**bold** ~~under~~ `code` ||spoiler|| # head\n> quote, 1girl", "1girl"),
        ("1girl'; DROP TABLE jobs; --", "DROP TABLE"),
        ("1girl, {a|b}, __season__, <lora:x:1>", "1girl"),
        ("1girl " + "x" * 3990, "1girl"),
    ],
)
async def test_odd_prompts_are_drawn_and_shown_as_plain_text(
    place: Discord, running: Running, prompt: str, drawn: str
) -> None:
    shown = await deliver(place, running, prompt=prompt)
    assert "@everyone" not in shown
    assert "<@" not in shown.replace("\\<@", "")
    job = await running.job()
    assert drawn in job.request.prompt


@pytest.mark.parametrize(
    ("options", "width", "height"),
    [
        ({"aspect": "16:9"}, 1344, 768),
        ({"aspect": "9/16"}, 768, 1344),
        ({"aspect": "1024×1024"}, 1024, 1024),
        ({"aspect": "panorama"}, 1536, 640),
        ({}, 832, 1216),
    ],
)
async def test_any_ratio_goes_to_the_nearest_size(
    place: Discord, running: Running, options: dict[str, str], width: int, height: int
) -> None:
    await deliver(place, running, prompt="1girl", **options)
    request = (await running.job()).request
    assert (request.width, request.height) == (width, height)


async def test_minus_one_is_a_random_seed(place: Discord, running: Running) -> None:
    await deliver(place, running, prompt="1girl", seed=-1)
    assert 0 <= (await running.job()).request.seed < 2**32


async def test_midjourneys_flags_are_understood(place: Discord, running: Running) -> None:
    await deliver(place, running, prompt="1girl --ar 3:2 --seed 5 --no hat --steps 3 --cfg 6")
    request = (await running.job()).request
    assert (request.seed, request.num_inference_steps, request.guidance_scale) == (5, 3, 6.0)
    assert request.negative_prompt.startswith("hat")
    assert request.width > request.height


async def test_a_wrong_flag_is_named(place: Discord, running: Running) -> None:
    message = await place.answer(place.alice.imagine(prompt="1girl --seed abc"))
    assert message.ephemeral_for == IDS.alice
    assert "--seed" in words(message)
    assert await running.jobs() == []


async def test_a_locked_database_refuses_and_the_bot_lives(
    place: Discord, running: Running
) -> None:
    async with running.services.database.transaction() as connection:
        pass
    await connection.execute("PRAGMA busy_timeout = 50")  # instead of seconds
    other = sqlite3.connect(place.folder / DATABASE_NAME)
    other.execute("BEGIN IMMEDIATE")
    message = await place.answer(place.alice.imagine(prompt="1girl"))
    other.rollback()
    other.close()
    assert message.ephemeral_for == IDS.alice
    assert "busy" in words(message)
    assert await running.jobs() == []
    await deliver(place, running, prompt="2girls")


async def test_a_full_disk_is_told_and_given_back(
    place: Discord, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    message = await place.answer(place.alice.imagine(prompt="1girl"))
    job = await running.delivery("delivered")
    assert job.state == "failed"
    assert await running.used() == 0
    assert "full" in words(message)
    monkeypatch.undo()
    await place.answer(place.bob.imagine(prompt="2girls"))
    await until(lambda: len(running.engine.drawn) == 2)


async def test_discord_closing_the_gateway_loses_nothing(place: Discord, running: Running) -> None:
    running.engine.hold()
    message = await place.answer(place.alice.imagine(prompt="1girl"))
    await place.loopback.gateway.drop()
    running.engine.release()
    assert (await running.delivery("delivered")).state == "finished"
    assert len(message.attachments) == 1
    await until(lambda: place.loopback.gateway.connected)
    again = await place.answer(place.bob.imagine(prompt="2girls"))
    await until(lambda: again.attachments)


@pytest.mark.parametrize("status", [429, 500, 502])
async def test_discord_in_trouble_delays_the_picture_and_does_not_double_it(
    place: Discord, running: Running, status: int
) -> None:
    running.engine.hold()
    message = await place.answer(place.alice.imagine(prompt="1girl"))
    place.loopback.faults.add(
        Fault(method="PATCH", path=".*", times=3, status=status, retry_after_s=0.05)
    )
    running.engine.release()
    await running.delivery("delivered")
    assert len(message.attachments) == 1
    assert len(place.seen(IDS.general)) == 1

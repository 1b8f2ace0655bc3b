"""A channel that is age-restricted no longer: everything follows the new state at once."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bot.playground.simulator.default_world import IDS
from cogs.drawing import presenter
from data.guilds import place_settings
from data.jobs.jobs import JobRecord
from pipeline.rating import Rating
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, open_bot, whole
from tests.support.patience import PATIENCE_S, until
from tests.support.tagger import PaintEngine, make_tagger


@pytest.fixture
async def running(place: Discord, tmp_path: Path) -> AsyncGenerator[Running, None]:
    """A server that allows everything, with a check of finished pictures."""
    tagger = make_tagger(tmp_path / "model" / "tagger")
    async with open_bot(place, engine=PaintEngine(), tagger=str(tagger)) as running:
        async with running.services.database.transaction() as connection:
            await place_settings.set_ratings(
                connection,
                scope="guild",
                id=IDS.guild,
                guild_id=IDS.guild,
                ceiling=Rating.EXPLICIT,
                default=None,
            )
        yield running


async def nsfw_job(running: Running, alice: Visitor, channel: int) -> JobRecord:
    await alice.answer("imagine", channel=channel, prompt="1girl, yellow-picture", rating="nsfw")
    return await running.delivery("delivered")


async def choices(alice: Visitor, channel: int) -> set[str]:
    found = await alice.member.autocomplete(
        "imagine", {"prompt": "nipp"}, "prompt", channel=channel
    )
    return {choice["value"] for choice in found}


async def test_the_negative_gains_and_loses_nsfw_and_keeps_minors_out(
    running: Running, alice: Visitor
) -> None:
    adult = (await nsfw_job(running, alice, IDS.age_restricted)).request
    assert "nsfw" in adult.prompt
    assert "nsfw" not in adult.negative_prompt
    for word in ("loli", "shota", "child"):
        assert word in adult.negative_prompt
    safe = (await alice.draw(running, "1girl, green-picture")).request
    assert "nsfw" in safe.negative_prompt
    assert "loli" not in safe.negative_prompt


@pytest.mark.parametrize("channel", [IDS.age_restricted, IDS.age_restricted_thread])
async def test_nothing_goes_on_from_an_adult_picture(
    place: Discord, running: Running, alice: Visitor, channel: int
) -> None:
    job = await nsfw_job(running, alice, channel)
    assert job.rating is Rating.NSFW
    shown = alice.member.message(job.message_id or 0)
    place.loopback.changes.set_age_restricted(IDS.age_restricted, on=False)
    guild = running.bot.get_guild(IDS.guild)
    assert guild is not None
    parent = guild.get_channel(IDS.age_restricted)
    await until(lambda: not getattr(parent, "nsfw", True))
    said = [
        await whole(await alice.press(shown, button))
        for button in ("ekaki:reroll", "Vary (subtle)", "Vary (strong)", "Upscale")
    ]
    said.append(await alice.answer("show", channel=channel, id=job.id))
    for message in said:
        assert "`sensitive` at most" in message.text
        assert message.ephemeral
    assert len(await running.jobs()) == 1


async def test_suggestions_follow_the_place(
    place: Discord, running: Running, alice: Visitor
) -> None:
    assert await choices(alice, IDS.age_restricted)
    place.loopback.changes.set_age_restricted(IDS.age_restricted, on=False)
    assert not await choices(alice, IDS.age_restricted)
    assert not await choices(alice, IDS.general)


async def ended(running: Running) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while (await running.job()).ended_at is None:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("channel", [IDS.age_restricted, IDS.age_restricted_thread])
async def test_a_picture_waits_while_nothing_is_known_of_its_server(
    place: Discord, running: Running, alice: Visitor, channel: int
) -> None:
    """Also in a thread that was closed meanwhile: the channel it belongs to counts."""
    changes = place.loopback.changes
    engine = running.engine
    engine.hold()
    await alice.answer("imagine", channel=channel, prompt="1girl, yellow-picture", rating="nsfw")
    changes.outage(IDS.guild)
    await until(lambda: getattr(running.bot.get_guild(IDS.guild), "unavailable", False))
    engine.release()
    await ended(running)
    if channel == IDS.age_restricted_thread:
        changes.archive(channel)
    assert [job.delivery for job in await running.jobs()] == ["pending"]
    changes.recover(IDS.guild)
    job = await running.delivery("delivered")
    assert alice.member.message(job.message_id or 0).attachments


async def test_a_picture_outlasts_an_outage_that_is_longer_than_its_delivery_waits(
    place: Discord, running: Running, alice: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presenter, "_PLACE_WAIT_S", 1.0)
    running.engine.hold()
    await alice.answer(
        "imagine", channel=IDS.age_restricted, prompt="1girl, yellow-picture", rating="nsfw"
    )
    place.loopback.changes.outage(IDS.guild)
    await until(lambda: getattr(running.bot.get_guild(IDS.guild), "unavailable", False))
    running.engine.release()
    await running.delivery("kept")
    place.loopback.changes.recover(IDS.guild)
    job = await running.delivery("delivered")
    assert alice.member.message(job.message_id or 0).attachments


async def test_a_picture_is_kept_back_where_its_channel_was_opened_during_an_outage(
    place: Discord, running: Running, alice: Visitor
) -> None:
    changes = place.loopback.changes
    running.engine.hold()
    await alice.answer(
        "imagine", channel=IDS.age_restricted, prompt="1girl, yellow-picture", rating="nsfw"
    )
    changes.outage(IDS.guild)
    await until(lambda: getattr(running.bot.get_guild(IDS.guild), "unavailable", False))
    place.world.channel(IDS.age_restricted).nsfw = False
    running.engine.release()
    await ended(running)
    changes.recover(IDS.guild)
    await until(
        lambda: any(
            "no longer allows" in m.text for m in alice.member.visible_messages(IDS.age_restricted)
        )
    )

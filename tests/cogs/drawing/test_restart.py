"""The bot stops and starts again: the same message is continued, and nothing is sent twice."""

import asyncio

import pytest

from bot.common.actor import Actor
from bot.playground.simulator import limits
from bot.playground.simulator.default_world import IDS
from data.jobs import jobs
from pipeline.errors import RefusedError
from tests.cogs.drawing.test_delivery import EXPIRED_S, held, pictures
from tests.cogs.running import Discord, Running, running_bot, words
from tests.support.fake_engine import FakeEngine
from tests.support.faults import Fault
from tests.support.patience import until

KILLED_AFTER_S = 10.0  # by Docker and others


async def test_an_open_job_goes_on_in_the_same_message(place: Discord) -> None:
    async with running_bot(place) as running:
        message = await held(place, running)
        assert await running.used() == 1
    assert message.attachments == [] or message.components
    async with running_bot(place) as running:
        job = await running.delivery("delivered")
        assert job.message_id == message.id
        assert [m.id for m in pictures(place.seen(IDS.general))] == [message.id]
        assert await running.used() == 1


async def test_a_job_that_is_accepted_while_the_bot_stops_is_shown_by_the_next_one(
    place: Discord,
) -> None:
    async with running_bot(place) as running:
        presenters = running.bot.presenters
        message = await held(place, running)
        await running.bot.remove_cog("Inference")
        (job,) = await running.jobs()
        presenters.start(job, message_id=message.id)
        assert f"presenter {job.id}" not in {task.get_name() for task in asyncio.all_tasks()}
    async with running_bot(place) as running:
        assert (await running.delivery("delivered")).message_id == message.id


async def test_it_stops_soon_though_discord_does_not_answer(place: Discord) -> None:
    """Systems kill what does not end within ten seconds; another start delivers."""
    answers = asyncio.Event()
    async with running_bot(place) as running:
        waiting = await held(place, running)
        place.loopback.posting.delete(waiting)  # so that a new message is sent, which hangs
        fault = Fault(method="POST", path=f"/channels/{IDS.general}/messages", times=10**6,
                      until=answers, cut="before")  # fmt: skip
        place.loopback.faults.add(fault)
        running.engine.release()
        await until(lambda: fault.times < 10**6)
        async with asyncio.timeout(KILLED_AFTER_S):
            await running.bot.close()
    answers.set()
    place.loopback.faults.clear()
    async with running_bot(place) as running:
        await running.delivery("delivered")
    assert len(pictures(place.seen(IDS.general))) == 1


async def test_a_button_from_before_the_restart_works(place: Discord) -> None:
    async with running_bot(place) as running:
        message = await held(place, running)
    engine = FakeEngine()
    engine.hold()
    async with running_bot(place, engine=engine) as running:
        place.alice.press(message)
        job = await running.delivery("delivered")
        assert job.state == "cancelled"
        assert message.embeds[0]["title"] == "Cancelled"


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_message_that_a_killed_bot_did_not_enter_is_found_by_its_button(
    place: Discord, *, cancelled: bool
) -> None:
    async with running_bot(place) as running:
        message = await held(place, running)
        async with running.services.database.transaction() as connection:
            await connection.execute("UPDATE jobs SET message_id = NULL")
    place.advance(EXPIRED_S)
    engine = FakeEngine()
    engine.hold()
    async with running_bot(place, engine=engine, mention_after_minutes=0) as running:
        if cancelled:
            await running.services.jobs.cancel_all(user_id=IDS.alice)
        engine.release()
        job = await running.delivery("delivered")
        assert job.message_id == message.id
        assert [each.id for each in place.seen(IDS.general)] == [message.id]
        assert not any("Cancel" in str(row) for row in message.components)


async def test_a_private_job_from_before_ends_in_a_direct_message(place: Discord) -> None:
    async with running_bot(place) as running:
        await held(place, running, private=True)
    place.advance(EXPIRED_S)
    async with running_bot(place) as running:
        await running.delivery("delivered")
        assert len(pictures(place.seen(IDS.dm_alice))) == 1
        assert place.seen(IDS.general) == []


async def test_a_picture_sent_just_before_a_crash_is_not_sent_again(place: Discord) -> None:
    """As after a crash between the send and the row: the send is there, the row says pending."""
    async with running_bot(place) as running:
        message = await held(place, running)
        place.loopback.posting.delete(message)
        running.engine.release()
        job = await running.delivery("delivered")
        async with running.services.database.transaction() as connection:
            await connection.execute(
                "UPDATE jobs SET delivery = 'pending', message_id = ? WHERE id = ?",
                (message.id, job.id),
            )
        (sent,) = pictures(place.seen(IDS.general))
    place.advance(limits.NONCE_LIFETIME_S + 1)  # the nonce no longer helps
    async with running_bot(place) as running:
        job = await running.delivery("delivered")
        assert job.message_id == sent.id
        assert len(pictures(place.seen(IDS.general))) == 1


async def test_a_finished_picture_that_was_not_sent_is_sent(place: Discord) -> None:
    async with running_bot(place) as running:
        message = await place.answer(place.alice.imagine(prompt="1girl"))
        job = await running.delivery("delivered")
        async with running.services.database.transaction() as connection:
            await connection.execute("UPDATE jobs SET delivery = 'pending' WHERE id = ?", (job.id,))
        message.attachments = []
        message.embeds = [{"title": "Drawing"}]
    async with running_bot(place, mention_after_minutes=0) as running:
        await running.delivery("delivered")
        await until(lambda: pictures([message]))
        assert len(place.seen(IDS.general)) == 1
        async with running.services.database.reader() as connection:
            assert await jobs.undelivered(connection) == []


async def test_a_job_that_waited_too_long_is_closed_with_words(place: Discord) -> None:
    async with running_bot(place) as running:
        message = await held(place, running)
    place.advance(7 * 3600)
    async with running_bot(place) as running:
        job = await running.delivery("delivered")
        assert job.state == "failed"
        assert "waited too long" in words(message)
        assert await running.used() == 0


async def test_a_request_that_can_not_be_read_any_more_ends_its_message_in_words(
    place: Discord,
) -> None:
    async with running_bot(place) as running:
        message = await held(place, running)
        second = await place.answer(place.bob.imagine(prompt="2girls", channel_id=IDS.art))
        first, _ = await running.jobs()
        async with running.services.database.transaction() as connection:
            await connection.execute("UPDATE jobs SET request = '{}' WHERE id = ?", (first.id,))
    async with running_bot(place) as running:
        await until(lambda: pictures([second]))
        await until(lambda: "does not count" in words(message) or "did not count" in words(message))
        assert await running.used() == 0
        assert not message.components


async def test_a_finished_picture_whose_request_can_not_be_read_hides_no_other(
    place: Discord, running: Running
) -> None:
    for prompt in ("1girl", "2girls", "3girls"):
        await place.answer(place.alice.imagine(prompt=prompt))
    await running.all_delivered(3)
    _, middle, _ = await running.jobs()
    async with running.services.database.transaction() as connection:
        await connection.execute("UPDATE jobs SET request = '{}' WHERE id = ?", (middle.id,))
    history = await place.answer(place.alice.command("history"))
    await until(lambda: history.attachments)
    sent = place.alice.command("show", id=middle.id)
    await until(lambda: (sent.response_message_id or 0) in place.world.messages)
    results = running.services.results
    job, _ = await results.pictures_of(middle.id)
    for again in (results.remix, results.reroll):
        with pytest.raises(RefusedError, match="job_unknown"):
            again(job)
    actor = Actor(user_id=IDS.alice, guild_id=IDS.guild, channel_id=IDS.general)
    await results.delete(middle.id, actor=actor)
    assert len(await running.jobs()) == 2

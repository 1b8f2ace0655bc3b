"""A job deleted while its message is on its way, or before its id is entered: both go."""

import asyncio
from typing import Any

import pytest

from bot.common.actor import Actor
from bot.playground.simulator.default_world import IDS
from cogs.drawing import presenters
from data.jobs.jobs import JobRecord
from tests.cogs.drawing.test_delivery import EXPIRED_S, held, pictures
from tests.cogs.running import Discord, Running, running_bot
from tests.support.faults import Fault
from tests.support.patience import until

ALICE = Actor(user_id=IDS.alice, guild_id=IDS.guild, channel_id=IDS.general)


def hold_entries(running: Running) -> asyncio.Event:
    """No delivery is entered before this is set."""
    jobs: Any = running.services.jobs
    entered, go_on = jobs.mark_delivered, asyncio.Event()

    async def later(job: JobRecord, **what: Any) -> None:
        await go_on.wait()
        await entered(job, **what)

    jobs.mark_delivered = later
    return go_on


async def test_deleted_before_its_new_message_is_entered(place: Discord, running: Running) -> None:
    waiting = await held(place, running)
    place.loopback.posting.delete(waiting)
    go_on = hold_entries(running)
    running.engine.release()
    await until(lambda: pictures(place.seen(IDS.general)))
    await running.services.results.delete((await running.job()).id, actor=ALICE)
    go_on.set()
    await until(lambda: not place.seen(IDS.general))


async def test_deleted_while_nobody_knows_its_message(
    place: Discord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bot is stopped before it has entered where the pictures are, and never gets there."""
    monkeypatch.setattr(presenters, "_PARTING_S", 0.05)
    async with running_bot(place) as running:
        waiting = await held(place, running)
        place.loopback.posting.delete(waiting)
        hold_entries(running)
        running.engine.release()
        await until(lambda: pictures(place.seen(IDS.general)))
        job = await running.job()
        running.services.outbox.senders.clear()  # as if it were killed in this moment
        await running.services.results.delete(job.id, actor=ALICE)
    assert pictures(place.seen(IDS.general))
    async with running_bot(place):
        await until(lambda: not place.seen(IDS.general))


async def test_a_waiting_message_that_nobody_knows_goes_as_well(place: Discord) -> None:
    """Found by its Cancel button: the job ended, and its place took neither change nor message."""
    async with running_bot(place) as running:
        await held(place, running)
        place.advance(EXPIRED_S)
        place.loopback.faults.add(
            Fault(path=f"/channels/{IDS.general}/", method="POST|PATCH", times=10**6,
                  status=403, code=50013)
        )  # fmt: skip
        running.engine.release()
        job = await running.delivery("kept")
        async with running.services.database.transaction() as connection:
            await connection.execute("UPDATE jobs SET message_id = NULL")
        await running.services.results.delete(job.id, actor=ALICE)
        await until(lambda: not place.seen(IDS.general))


async def test_others_messages_stay(place: Discord, running: Running) -> None:
    kept = await place.answer(place.alice.imagine(prompt="1girl"))
    await running.all_delivered(1)
    waiting = await held(place, running)
    place.loopback.posting.delete(waiting)
    go_on = hold_entries(running)
    running.engine.release()
    await until(lambda: len(pictures(place.seen(IDS.general))) == 2)
    _, job = await running.jobs()
    await running.services.results.delete(job.id, actor=ALICE)
    go_on.set()
    await until(lambda: [each.id for each in place.seen(IDS.general)] == [kept.id])


@pytest.mark.parametrize("status", [500, 429])
async def test_a_shown_message_is_removed_in_spite_of_trouble(
    place: Discord, running: Running, status: int
) -> None:
    """The question is under a message of `/show` in another channel."""
    await place.answer(place.alice.imagine(prompt="1girl"))
    await running.all_delivered(1)
    job = await running.job()
    shown = await place.answer(place.alice.command("show", channel_id=IDS.art, id=job.id))
    await until(lambda: pictures(place.seen(IDS.art)))
    place.loopback.faults.add(
        Fault(path=f"/channels/{IDS.art}/", method="DELETE", times=2, status=status)
    )
    actor = Actor(user_id=IDS.alice, guild_id=IDS.guild, channel_id=IDS.art)
    await running.services.results.delete(job.id, actor=actor, shown=shown.id)
    await until(lambda: not pictures(place.seen(IDS.art) + place.seen(IDS.general)))

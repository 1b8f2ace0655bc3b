"""A place that is closed when a job ends: the result is delivered once the place opens."""

import asyncio
from collections.abc import Callable

import pytest

from bot.common.actor import Actor
from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.world import Message
from tests.cogs.drawing.test_delivery import EXPIRED_S, held, pictures
from tests.cogs.running import PATIENCE_S, Discord, Running, running_bot, words
from tests.support.faults import Fault

FOREVER = 10**6
ALICE = Actor(user_id=IDS.alice, guild_id=IDS.guild, channel_id=IDS.general)


def close(place: Discord, *, status: int = 403, code: int = 50013) -> None:
    """#general takes no message and no change of one."""
    place.loopback.faults.add(
        Fault(path=f"/channels/{IDS.general}/", method="POST|PATCH", times=FOREVER,
              status=status, code=code)
    )  # fmt: skip


def reopen(place: Discord) -> None:
    """As a moderator does who gives the bot its permission back."""
    place.loopback.faults.clear()
    place.loopback.changes.set_age_restricted(IDS.general, on=False)
    role = place.loopback.changes.add_role(IDS.guild, "painter")
    place.loopback.changes.set_roles(IDS.guild, IDS.bot, [IDS.bot_role, role.id])


async def waiting(running: Running) -> list[int]:
    """How many ends wait in the outbox, and how often that was tried in vain."""
    async with running.services.database.reader() as reader:
        sql = "SELECT count(*), coalesce(sum(attempts), 0) FROM outbox WHERE kind = 'job_end'"
        async with reader.execute(sql) as cursor:
            row = await cursor.fetchone()
    return list(row or ())


async def until_refused(running: Running) -> None:
    """Until the outbox has tried in vain."""
    async with asyncio.timeout(PATIENCE_S):
        while (await waiting(running))[1] == 0:
            await asyncio.sleep(0.02)


async def until_forgotten(running: Running) -> None:
    """Until the outbox has nothing more to tell."""
    async with asyncio.timeout(PATIENCE_S):
        while await waiting(running) != [0, 0]:
            await asyncio.sleep(0.02)


def delete(place: Discord, message: Message) -> None:
    place.loopback.posting.delete(message)


def expire(place: Discord, message: Message) -> None:
    place.advance(EXPIRED_S)


@pytest.mark.parametrize(("status", "code"), [(403, 50013), (403, 50001), (400, 50035)])
@pytest.mark.parametrize("lose", [delete, expire])
async def test_pictures_come_once_when_the_channel_opens(
    place: Discord,
    running: Running,
    lose: Callable[[Discord, Message], None],
    status: int,
    code: int,
) -> None:
    message = await held(place, running)
    lose(place, message)
    close(place, status=status, code=code)
    running.engine.release()
    await running.delivery("kept")
    await until_refused(running)
    assert pictures(place.seen(IDS.general)) == []
    reopen(place)
    job = await running.delivery("delivered")
    await until_forgotten(running)
    (shown,) = pictures(place.seen(IDS.general))
    assert shown.id == job.message_id
    assert (shown.id == message.id) == (lose is expire)


async def test_a_restart_tells_what_was_refused(place: Discord) -> None:
    async with running_bot(place) as running:
        message = await held(place, running)
        place.advance(EXPIRED_S)
        close(place)
        running.engine.release()
        await running.delivery("kept")
    place.loopback.faults.clear()
    async with running_bot(place) as running:
        await running.delivery("delivered")
    assert [shown.id for shown in pictures(place.seen(IDS.general))] == [message.id]


async def test_a_cancelled_job_does_not_wait_for_ever(place: Discord, running: Running) -> None:
    message = await held(place, running)
    place.advance(EXPIRED_S)
    close(place)
    job = await running.job()
    await running.services.jobs.cancel(job_id=job.id, user_id=IDS.alice)
    running.engine.release()
    await running.delivery("kept")
    await until_refused(running)
    reopen(place)
    await running.delivery("delivered")
    assert "ancelled" in words(message)
    assert len(place.seen(IDS.general)) == 1


async def test_pictures_come_once_their_thread_is_unlocked(
    place: Discord, running: Running
) -> None:
    await held(place, running, channel_id=IDS.thread)
    place.advance(EXPIRED_S)
    place.loopback.changes.archive(IDS.thread, locked=True)
    running.engine.release()
    await running.delivery("kept")
    await until_refused(running)
    place.loopback.changes.unlock(IDS.thread)
    job = await running.delivery("delivered")
    assert [shown.id for shown in pictures(place.seen(IDS.thread))] == [job.message_id]


async def test_a_job_cancelled_in_a_closed_thread_says_so(place: Discord, running: Running) -> None:
    message = await held(place, running, channel_id=IDS.thread)
    place.advance(EXPIRED_S)
    place.loopback.changes.archive(IDS.thread)
    job = await running.job()
    await running.services.jobs.cancel(job_id=job.id, user_id=IDS.alice)
    running.engine.release()
    await running.delivery("delivered")
    assert "ancelled" in words(message)
    assert len(place.seen(IDS.thread)) == 1


async def test_a_job_that_was_deleted_meanwhile_is_forgotten(
    place: Discord, running: Running
) -> None:
    message = await held(place, running)
    delete(place, message)
    close(place)
    running.engine.release()
    job = await running.delivery("kept")
    await until_refused(running)
    await running.services.results.delete(job.id, actor=ALICE)
    reopen(place)
    await until_forgotten(running)
    assert place.seen(IDS.general) == []


async def test_what_is_gone_is_not_asked_again(place: Discord, running: Running) -> None:
    message = await held(place, running)
    delete(place, message)
    close(place, status=404, code=10003)
    running.engine.release()
    await running.delivery("kept")
    assert await waiting(running) == [0, 0]

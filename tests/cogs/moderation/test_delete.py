"""`/moderate delete` removes rows, files and messages, once, and only on its own server."""

import asyncio

import pytest

from bot.outbox.kinds import Kind
from bot.playground.simulator.default_world import IDS
from data.guilds import outbox
from data.jobs.jobs import JobRecord
from tests.cogs.moderation.helpers import log, nothing_to_tell
from tests.cogs.running import Discord, Running
from tests.cogs.visitors import Visitor, open_bot, whole
from tests.support.patience import PATIENCE_S


async def test_deleting_removes_rows_file_and_message(
    running: Running, moderator: Visitor, alice: Visitor
) -> None:
    called: list[str] = []

    async def gallery(_connection: object, job: JobRecord) -> None:
        called.append(job.id)

    running.services.results.on_delete.append(gallery)
    job = await alice.draw(running, "1girl, umbrella")
    _, (picture,) = await running.services.results.show(job.id)
    said = await moderator.answer("moderate delete", id=job.id, reason="off topic")
    assert "deleted" in said.text
    await nothing_to_tell(running)
    assert alice.member.visible_messages(IDS.general) == []
    assert called == [job.id]
    with pytest.raises(Exception, match="picture_missing"):
        await running.services.jobs.read_picture(picture)
    entry = (await log(running))[-1]
    assert (entry.kind, entry.actor_id, entry.user_id) == ("deleted", IDS.moderator, IDS.alice)
    assert entry.details["reason"] == "off topic"
    again = await moderator.answer("moderate delete", id=job.id)
    assert "can't find that request" in again.text


async def test_two_moderators_delete_at_once_and_it_is_deleted_once(
    place: Discord, running: Running, moderator: Visitor, alice: Visitor, owner: Visitor
) -> None:
    job = await alice.draw(running, "1girl")
    sent = await asyncio.gather(
        *(
            each.member.slash("moderate delete", {"id": job.id}, channel=IDS.general)
            for each in (moderator, owner)
        )
    )
    texts = sorted([(await whole(each)).text for each in sent])
    assert sum("are deleted" in each for each in texts) == 1, texts
    assert [e.kind for e in await log(running)].count("deleted") == 1


async def test_a_message_that_is_gone_already_is_no_trouble(
    place: Discord, running: Running, moderator: Visitor, alice: Visitor
) -> None:
    job = await alice.draw(running, "1girl")
    place.loopback.actions.delete(IDS.moderator, job.message_id or 0)
    assert "deleted" in (await moderator.answer("moderate delete", id=job.id)).text
    await nothing_to_tell(running)


async def test_messages_that_a_crash_left_go_at_the_next_start(
    place: Discord, moderator: Visitor, alice: Visitor
) -> None:
    async with open_bot(place) as running:
        job = await alice.draw(running, "1girl")
        async with running.services.database.transaction() as connection:
            await outbox.put(
                connection,
                kind=Kind.MESSAGE_REMOVAL,
                key="one",
                lane="removal",
                payload={"channel_id": job.channel_id, "message_id": job.message_id or 0},
            )
    async with open_bot(place) as running:
        await nothing_to_tell(running)
        assert alice.member.visible_messages(IDS.general) == []


async def test_moderators_delete_nothing_of_other_places(
    running: Running, moderator: Visitor, alice: Visitor
) -> None:
    await alice.answer("imagine", channel=IDS.dm_alice, prompt="1girl")
    job = await running.delivery("delivered")
    assert "can't find" in (await moderator.answer("moderate delete", id=job.id)).text
    own = await moderator.answer("imagine", channel=IDS.dm_moderator, prompt="1girl")
    assert own
    async with asyncio.timeout(PATIENCE_S):
        while not (mine := [j for j in await running.jobs() if j.delivery == "delivered"][1:]):
            await asyncio.sleep(0.02)
    assert "can't find" in (await moderator.answer("moderate delete", id=mine[0].id)).text
    assert len(await running.jobs()) == 2

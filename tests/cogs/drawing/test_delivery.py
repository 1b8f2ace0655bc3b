"""The ladder by which a finished picture reaches its user: once, and only its user's eyes."""

from dataclasses import replace
from typing import Any

import pytest

from bot.playground.simulator import limits
from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.world import Message
from tests.cogs.running import Discord, Running, running_bot, words
from tests.support.fake_engine import FAKE_MODEL, FakeEngine
from tests.support.faults import Fault
from tests.support.member import Member
from tests.support.patience import until

EXPIRED_S = limits.TOKEN_LIFETIME_S + 60


def pictures(messages: list[Message]) -> list[Message]:
    return [m for m in messages if any(a.filename.startswith("ekaki-") for a in m.attachments)]


async def held(place: Discord, running: Running, **options: Any) -> Message:
    """A job that waits in the middle of its drawing."""
    running.engine.hold()
    message = await place.answer(place.alice.imagine(prompt="1girl", **options))
    await until(lambda: running.engine.started.acquire(blocking=False))
    return message


async def test_after_15_minutes_the_message_is_edited_with_the_bots_token(
    place: Discord,
) -> None:
    async with running_bot(place, mention_after_minutes=0) as running:
        message = await held(place, running)
        place.advance(EXPIRED_S)
        running.engine.release()
        await running.delivery("delivered")
        assert [m.id for m in pictures(place.seen(IDS.general))] == [message.id]
        assert len(place.seen(IDS.general)) == 1


async def test_a_token_refused_early_is_the_same(place: Discord, running: Running) -> None:
    message = await held(place, running)
    place.loopback.faults.add(
        Fault(method="PATCH", path="/webhooks/", status=401, code=50027, times=1000)
    )
    running.engine.release()
    await running.delivery("delivered")
    assert [m.id for m in pictures(place.seen(IDS.general))] == [message.id]


async def test_a_deleted_message_is_sent_again_with_a_mention_of_its_user_only(
    place: Discord, running: Running
) -> None:
    message = await held(place, running)
    place.loopback.posting.delete(message)
    running.engine.release()
    job = await running.delivery("delivered")
    (sent,) = place.seen(IDS.general)
    assert sent.id == job.message_id
    assert sent.mention_ids == [IDS.alice]
    assert sent.content.startswith(f"<@{IDS.alice}>\n1girl")
    assert sent.nonce == job.id
    assert len(pictures([sent])) == 1


async def test_a_private_picture_comes_as_a_direct_message_after_15_minutes(
    place: Discord, running: Running
) -> None:
    await held(place, running, private=True)
    place.advance(EXPIRED_S)
    running.engine.release()
    await running.delivery("delivered")
    assert len(pictures(place.seen(IDS.dm_alice))) == 1
    assert place.seen(IDS.general) == []


async def test_a_private_picture_is_kept_where_direct_messages_are_closed(
    place: Discord, running: Running
) -> None:
    place.world.users[IDS.alice].accepts_dms = False
    await held(place, running, private=True)
    place.advance(EXPIRED_S)
    running.engine.release()
    job = await running.delivery("kept")
    assert job.state == "finished"
    assert place.seen(IDS.general) == []
    assert place.seen(IDS.dm_alice) == []


async def test_a_public_picture_is_kept_where_the_channel_is_gone(
    place: Discord, running: Running
) -> None:
    message = await held(place, running)
    place.loopback.posting.delete(message)
    del place.world.channels[IDS.general]
    running.engine.release()
    await running.delivery("kept")


@pytest.mark.parametrize("cut", ["before", "after"])
async def test_a_sending_that_breaks_off_is_repeated_without_a_second_picture(
    place: Discord, running: Running, cut: str
) -> None:
    message = await held(place, running)
    place.loopback.posting.delete(message)
    place.loopback.faults.add(
        Fault(method="POST", path=r"/channels/\d+/messages$", cut=cut)  # type: ignore[arg-type]
    )
    running.engine.release()
    await running.delivery("delivered")
    assert len(pictures(place.seen(IDS.general))) == 1


async def test_a_long_wait_ends_with_a_mention(place: Discord) -> None:
    async with running_bot(place, mention_after_minutes=2) as running:
        message = await held(place, running)
        place.advance(180)
        running.engine.release()
        await running.delivery("delivered")
        shown = await until(lambda: place.seen(IDS.general)[1:])
        assert shown[0].mention_ids == [IDS.alice]
        assert f"/{message.id}" in shown[0].content


async def test_a_short_wait_does_not(place: Discord, running: Running) -> None:
    await place.answer(place.alice.imagine(prompt="1girl"))
    await running.delivery("delivered")
    assert len(place.seen(IDS.general)) == 1


async def test_the_models_notice_stands_under_the_picture(place: Discord) -> None:
    engine = FakeEngine(model=replace(FAKE_MODEL, notice="Random weights: this is noise."))
    async with running_bot(place, engine=engine) as running:
        message = await place.answer(place.alice.imagine(prompt="1girl"))
        await running.delivery("delivered")
        assert "Random weights: this is noise." in words(message)


async def test_files_that_discord_finds_too_large_are_made_smaller(
    place: Discord, running: Running
) -> None:
    message = await held(place, running)
    place.loopback.faults.add(Fault(method="PATCH", path="/webhooks/", status=413, code=40005))
    running.engine.release()
    await running.delivery("delivered")
    assert len(pictures([message])) == 1


async def test_a_cancel_button_left_in_a_message_out_of_reach_goes_when_it_is_pressed(
    place: Discord, running: Running
) -> None:
    place.world.users[IDS.alice].accepts_dms = False
    message = await held(place, running, private=True)
    place.advance(EXPIRED_S)
    running.engine.release()
    await running.delivery("kept")
    alice = Member(place.loopback, IDS.alice)
    said = await alice.press(alice.message(message.id), "Cancel")
    await said.wait_for(lambda _: not alice.message(message.id).buttons)
    await until(
        lambda: any("already ended" in each.text for each in alice.visible_messages(IDS.general))
    )


async def test_a_clock_that_is_hours_ahead_does_not_close_the_token(
    place: Discord, running: Running
) -> None:
    """Only Discord knows when the 15 minutes are over."""
    place.clock.shift_s += 6 * 3600  # this machine's clock alone
    sent = await held(place, running, private=True)
    running.engine.release()
    await running.delivery("delivered")
    assert [m.id for m in pictures(place.seen(IDS.general, IDS.alice))] == [sent.id]
    assert place.seen(IDS.dm_alice) == []

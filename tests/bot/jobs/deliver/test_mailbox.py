"""The latest event of a job: readers may be slow, and never miss how it ends."""

import asyncio

import pytest

from bot.jobs.deliver.mailbox import Mailbox
from bot.jobs.values import CancelledEvent, Failed, Queued
from pipeline.errors import EngineError
from tests.support.patience import PATIENCE_S

FIRST, SECOND, THIRD = (Queued(position=position, eta_s=None) for position in (2, 1, 0))


async def test_a_slow_reader_misses_what_is_superseded_and_never_the_end() -> None:
    mailbox = Mailbox(FIRST)
    assert await mailbox.newer(None) is FIRST
    for event in (SECOND, THIRD, CancelledEvent()):
        mailbox.put(event)
    assert await mailbox.newer(FIRST) == CancelledEvent()
    assert mailbox.over.is_set()


async def test_everybody_who_waits_is_told() -> None:
    mailbox = Mailbox(FIRST)
    waiting = [asyncio.create_task(mailbox.newer(FIRST)) for _ in range(3)]
    await asyncio.sleep(0)
    mailbox.put(SECOND)
    async with asyncio.timeout(PATIENCE_S):
        assert await asyncio.gather(*waiting) == [SECOND] * 3


async def test_what_is_known_already_wakes_nobody() -> None:
    mailbox = Mailbox(FIRST)
    mailbox.put(Queued(position=2, eta_s=None))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await mailbox.newer(FIRST)


def test_nothing_follows_the_end() -> None:
    for mailbox in (Mailbox(FIRST), Mailbox(CancelledEvent())):
        mailbox.put(CancelledEvent())
        mailbox.put(Failed(error=EngineError("engine_failed")))
        mailbox.put(SECOND)
        assert (mailbox.event, mailbox.over.is_set()) == (CancelledEvent(), True)

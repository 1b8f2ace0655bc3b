"""In which order the gallery works on what a server queued."""

import asyncio

import pytest

from cogs.gallery.posting import queues
from cogs.gallery.posting.queues import GuildQueues, Step
from pipeline.errors import StorageError

GUILD = 1


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "_AGAIN_S", 0.01)


class Log(list[str]):
    """What was done, in order."""

    def step(self, name: str, *, fails: int = 0, then: Step | None = None) -> Step:
        """Fails `fails` times as a locked database does; `then` runs within it."""
        left = [StorageError("database_busy")] * fails

        async def run() -> None:
            if left:
                raise left.pop()
            self.append(name)
            if then is not None:
                await then()

        return run


async def test_an_event_does_not_wait_for_what_is_read_again() -> None:
    waiting, log = GuildQueues(), Log()

    async def star() -> None:
        waiting.put(GUILD, log.step("star"))
        waiting.put(GUILD, log.step("unstar"))
        await asyncio.sleep(0)

    waiting.put_later(GUILD, log.step("first", then=star))
    for number in range(3):
        waiting.put_later(GUILD, log.step(f"reread {number}"))
    await waiting.settled()
    assert log == ["first", "star", "unstar", "reread 0", "reread 1", "reread 2"]


async def test_an_event_does_not_wait_for_the_next_try_of_a_reread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queues, "_AGAIN_S", 3600.0)
    waiting, log = GuildQueues(), Log()
    waiting.put_later(GUILD, log.step("reread", fails=1))
    await asyncio.sleep(0.05)  # it has failed, and waits an hour
    waiting.put(GUILD, log.step("star"))
    await waiting.settled()
    assert log == ["star", "reread"]


async def test_events_keep_their_order_through_problems() -> None:
    waiting, log = GuildQueues(), Log()
    waiting.put(GUILD, log.step("star", fails=3))
    waiting.put(GUILD, log.step("unstar"))
    await waiting.settled()
    assert log == ["star", "unstar"]


async def test_what_fails_again_and_again_is_left_out_and_holds_up_nothing() -> None:
    waiting, log = GuildQueues(), Log()
    waiting.put_later(GUILD, log.step("never", fails=10_000))
    waiting.put(GUILD, log.step("neither", fails=10_000))
    waiting.put_later(GUILD, log.step("reread"))
    waiting.put(GUILD + 1, log.step("elsewhere"))
    await waiting.settled()
    assert log == ["elsewhere", "reread"]

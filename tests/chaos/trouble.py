"""Trouble that is no death: Discord refuses, drops or delays; the database is locked; no disk."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import TypeAlias

from tests.chaos.stage import Stage
from tests.support.faults import Fault
from tests.support.gateway import ask_reconnect, cut, forget

Trouble: TypeAlias = Callable[[Stage, random.Random], Awaitable[None]]

# What the bot sends, by path: first responses, edits by token, messages by the bot itself.
_PATHS = (r"/callback$", r"/webhooks/", r"/channels/\d+/messages", r"/(webhooks|channels)/")
_BALLAST = "ballast"


async def refusals(stage: Stage, dice: random.Random) -> None:
    """500 and 502 in a row: fewer than discord.py tries by itself, and more."""
    await _faults(stage, dice, lambda path: Fault(path=path, status=dice.choice((500, 502, 503)),
                                                  times=dice.choice((1, 2, 6))))  # fmt: skip


async def rate_limits(stage: Stage, dice: random.Random) -> None:
    """429, of one route or of everything."""
    await _faults(stage, dice, lambda path: Fault(path=path, status=429, retry_after_s=0.3,
                                                  is_global=dice.random() < 0.3,
                                                  times=dice.choice((1, 3, 6))))  # fmt: skip


async def lost_requests(stage: Stage, dice: random.Random) -> None:
    """The connection ends before the request took effect."""
    await _faults(stage, dice, lambda path: Fault(path=path, cut="before",
                                                  times=dice.choice((1, 2, 3))))  # fmt: skip


async def lost_answers(stage: Stage, dice: random.Random) -> None:
    """The connection ends after the request took effect: nobody is told so."""
    await _faults(stage, dice, lambda path: Fault(path=path, cut="after",
                                                  times=dice.choice((1, 2, 3))))  # fmt: skip


async def delays(stage: Stage, dice: random.Random) -> None:
    """Requests that take long; first responses come too late."""
    await _faults(stage, dice, lambda path: Fault(path=path, times=2,
                                                  delay_s=dice.choice((0.5, 3.2))))  # fmt: skip


async def gateway_drops(stage: Stage, dice: random.Random) -> None:
    """The gateway closes, breaks off, asks to reconnect or forgets the session, for one shard or
    for all."""
    gateway = stage.loopback.gateway
    for _ in range(3):
        await asyncio.sleep(dice.uniform(0.05, 0.4))
        shard_id = dice.choice((None, *range(gateway.sharding.shards)))
        match dice.choice(("close", "cut", "reconnect", "forget")):
            case "close":
                await gateway.drop(code=dice.choice((1001, 4000)), shard_id=shard_id)
            case "cut":
                await cut(gateway, shard_id)
            case "reconnect":
                await ask_reconnect(gateway, shard_id)
            case _:
                await forget(gateway, shard_id)


async def busy_database(stage: Stage, dice: random.Random) -> None:
    """Somebody else writes for a while, shorter than SQLite waits."""
    await asyncio.sleep(dice.uniform(0.0, 0.5))
    async with stage.locked():
        await asyncio.sleep(dice.uniform(0.5, 2.5))


async def locked_database(stage: Stage, dice: random.Random) -> None:
    """Somebody else writes for longer than SQLite waits."""
    await asyncio.sleep(dice.uniform(0.0, 0.5))
    async with stage.locked():
        await asyncio.sleep(7.0)


async def full_disk(stage: Stage, dice: random.Random) -> None:
    """Not a byte is free for some seconds. Only on a stage with a disk of its own."""
    await asyncio.sleep(dice.uniform(0.0, 0.5))
    with filled(stage):
        await asyncio.sleep(dice.uniform(1.0, 3.0))


@contextmanager
def filled(stage: Stage) -> Generator[None]:
    """A file that takes all the room there is."""
    ballast = stage.seen / _BALLAST
    try:
        with ballast.open("wb", buffering=0) as file:
            for size in (65536, 4096, 1):
                try:
                    while True:
                        file.write(b"\0" * size)
                except OSError:
                    continue
        yield
    finally:
        ballast.unlink(missing_ok=True)


async def _faults(stage: Stage, dice: random.Random, make: Callable[[str], Fault]) -> None:
    for path in dice.sample(_PATHS, 2):
        await asyncio.sleep(dice.uniform(0.0, 0.4))
        stage.loopback.faults.add(make(path))
    await asyncio.sleep(1.0)


TROUBLES: dict[str, Trouble] = {
    trouble.__name__: trouble
    for trouble in (
        refusals, rate_limits, lost_requests, lost_answers, delays, gateway_drops, busy_database,
        locked_database,
    )
}  # fmt: skip
"""What can be ordered anywhere; `full_disk` needs a stage of its own."""

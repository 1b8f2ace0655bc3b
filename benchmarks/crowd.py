"""A loopback Discord full of people, in its own process: `python -m benchmarks.crowd 50`.

Prints its address as JSON, waits for a bot and for a line on its input, lets everybody ask for a
picture, waits for `wanted` of them, and prints what it measured as JSON. It ends with its input.
"""

import asyncio
import json
import random
import sys
import time

from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.world import Member, User
from tests.support.member import InteractionView
from tests.support.member import Member as Driver
from tests.support.simulator import Loopback
from tests.support.views import MessageView

_FIRST = 500000000000000000
_PATIENCE_S = 300.0


def populate(loopback: Loopback, people: int) -> list[int]:
    """So many members of the guild more; their ids."""
    ids = list(range(_FIRST, _FIRST + people))
    guild = loopback.world.guilds[IDS.guild]
    for number, user_id in enumerate(ids):
        loopback.world.users[user_id] = User(id=user_id, username=f"person{number}")
        guild.members[user_id] = Member(user_id=user_id)
    return ids


async def main(people: int, wanted: int, spread_s: float) -> None:
    dice = random.Random(3)
    async with Loopback() as loopback:
        ids = populate(loopback, people)
        print(json.dumps({"url": loopback.url, "token": loopback.token}), flush=True)
        await loopback.wait_connected(_PATIENCE_S)
        while not loopback.world.commands:  # noqa: ASYNC110 - the bot may send them after it connected
            await asyncio.sleep(0.01)
        await asyncio.to_thread(sys.stdin.readline)
        began = time.monotonic()
        asked = await asyncio.gather(
            *(_ask(Driver(loopback, user_id), dice.uniform(0, spread_s)) for user_id in ids)
        )
        acknowledged = [view.ack_ms for view in asked]
        while sum(map(_is_done, asked)) < wanted and time.monotonic() - began < _PATIENCE_S:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        result = {
            "acknowledged_ms": [each for each in acknowledged if each is not None],
            "unanswered": sum(each is None for each in acknowledged),
            "done": sum(map(_is_done, asked)),
            "took_s": time.monotonic() - began,
        }
        print(json.dumps(result), flush=True)
        await asyncio.to_thread(sys.stdin.readline)


async def _ask(member: Driver, after_s: float) -> InteractionView:
    await asyncio.sleep(after_s)
    view = await member.slash("imagine", {"prompt": "1girl, cherry blossoms"}, channel=IDS.art)
    member.leave()
    return view


def _is_done(view: InteractionView) -> bool:
    shown: MessageView | None = view.message
    return shown is not None and any(f.filename.startswith("ekaki-") for f in shown.attachments)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))

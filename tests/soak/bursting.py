"""What happens in a burst: people draw; meanwhile the bot, Discord and moderators do as planned."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from bot.playground.simulator.default_world import IDS
from tests.chaos import errands, moderating, personal, requesting, starring
from tests.chaos.activity import Activity
from tests.chaos.stage import StuckError
from tests.chaos.trouble import TROUBLES
from tests.soak import plan
from tests.soak.crowd import Block
from tests.soak.plan import DAY_S, Burst
from tests.support.faults import Fault

if TYPE_CHECKING:
    from tests.soak.run import Soak

AWAY_S: Final = 5 * 3600.0
OUTAGE_S: Final = 2 * 3600.0
_ERRANDS: Final[tuple[Callable[[Activity], Awaitable[Any]], ...]] = (
    starring.star, starring.share, personal.favour, moderating.report, moderating.review,
    personal.erase, personal.leave, personal.settle_in, starring.want_news, requesting.draw_again,
    requesting.imagine_and_cancel, starring.star_and_think_again, errands.block,
    errands.block_maker, errands.announce, errands.elsewhere, errands.erased,
)  # fmt: skip


async def play(soak: "Soak", burst: Burst, greedy: int) -> None:
    """People draw; meanwhile happens what is planned."""
    dice = soak.activity.random
    drawing = asyncio.create_task(soak.crowd.draw(burst.jobs))
    doing: list[Awaitable[Any]] = [
        _errand(soak, each) for each in dice.sample(_ERRANDS, 2 + (burst.jobs > 50))
    ]
    doing.append(_moderate(soak))
    if burst.jobs > 50 or dice.random() < 0.3:
        doing.append(_greedy(soak, greedy))
    if burst.trouble:
        doing.append(TROUBLES[burst.trouble](soak.stage, dice))
        soak.notes.events[f"trouble: {burst.trouble}"] += 1
    if burst.outage:
        doing.append(_outage(soak))
    if burst.end != plan.CALM:
        doing.append(_end(soak, burst, drawing))
    await asyncio.gather(*doing)
    if burst.trouble:
        soak.stage.loopback.faults.clear()
    await drawing


async def _errand(soak: "Soak", errand: Callable[[Activity], Awaitable[Any]]) -> None:
    soak.notes.events[errand.__name__] += 1
    with suppress(StuckError):  # the bot was killed meanwhile
        await errand(soak.activity)


async def _greedy(soak: "Soak", user_id: int) -> None:
    """Somebody asks for more than the limits allow."""
    for _ in range(7):
        await soak.crowd.request(user_id, count=4, channel_id=IDS.art)


async def _moderate(soak: "Soak") -> None:
    """One person is blocked for a day; another deletes everything about themselves."""
    dice = soak.activity.random
    if dice.random() < 0.2:
        await _block(soak, dice.choice(soak.crowd.people))
    if dice.random() < 0.3:
        user_id = dice.choice(soak.crowd.people)
        if user_id not in soak.crowd.busy and user_id not in soak.crowd.blocks:
            await _depart(soak, user_id)


async def _block(soak: "Soak", user_id: int) -> None:
    if user_id in soak.crowd.blocks:
        return
    asked = soak.clock.time()
    soak.crowd.blocks[user_id] = Block(asked, asked + 2 * DAY_S, asked + DAY_S)
    options = {"user": user_id, "duration": "1d"}
    sent = await soak.activity.command(IDS.moderator, "moderate block", options)
    shown = soak.activity.shown(sent)
    if shown is not None and "is blocked on this server" in shown.content:
        now = soak.clock.time()
        soak.crowd.blocks[user_id] = Block(asked, now, now + DAY_S)
        soak.notes.events["blocked"] += 1


async def _depart(soak: "Soak", user_id: int) -> None:
    soak.crowd.busy.add(user_id)
    try:
        asked = await soak.activity.command(user_id, "privacy delete", {})
        answer = soak.activity.shown(asked)
        if answer is None:
            return
        soak.notes.totals.departed[user_id] = soak.clock.time()
        custom_id = f"ekaki:privacy:delete:{user_id}"
        pressed = await soak.activity.press(user_id, answer, custom_id)
        soak.notes.events["/privacy delete"] += pressed is not None
    finally:
        soak.crowd.busy.discard(user_id)


async def _outage(soak: "Soak") -> None:
    """Discord is away, for hours of the clock."""
    loopback = soak.stage.loopback
    await asyncio.sleep(0.5)
    loopback.unreachable = True
    fault = loopback.faults.add(Fault(path="^/api/", status=503, times=10**9))
    await loopback.gateway.drop()
    await asyncio.sleep(1.0)
    soak.clock.jump(OUTAGE_S)
    await asyncio.sleep(2.0)
    loopback.unreachable = False
    fault.times = 0
    loopback.faults.pending = [each for each in loopback.faults.pending if each.times > 0]
    soak.notes.events["outage of Discord"] += 1


async def _end(soak: "Soak", burst: Burst, drawing: "asyncio.Task[None]") -> None:
    """The bot ends, as the burst has it, and the next one takes over. A failpoint may not be passed
    until all are done `drawing`."""
    dice, bot = soak.activity.random, soak.stage.bot
    assert bot is not None
    soak.notes.events[burst.end] += 1
    await asyncio.sleep(dice.uniform(0.3, 2.0))
    match burst.end:
        case plan.KILL:
            await bot.kill()
        case plan.FAILPOINT:
            await soak.stage.stop()
            await soak.start(burst.failpoint)
            assert soak.stage.bot is not None
            over = {soak.stage.bot.ended, drawing}
            await asyncio.wait(over, timeout=10.0, return_when=asyncio.FIRST_COMPLETED)
            soak.notes.events["failpoint passed"] += not soak.stage.bot.alive
            await soak.stage.bot.kill()
        case plan.AWAY:
            await bot.kill()
            soak.clock.jump(AWAY_S)
        case _:
            await soak.stage.stop()
    await soak.start()

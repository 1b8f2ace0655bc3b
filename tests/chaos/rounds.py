"""One round: people submit, cancel, meddle; the bot is killed; a new one has to make it good."""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from bot.playground.simulator import limits
from bot.playground.simulator.default_world import IDS
from tests.chaos import errands, failpoints, moderating, personal, requesting, starring
from tests.chaos.activity import RED, Activity
from tests.chaos.audit import Report, audit
from tests.chaos.comparing import compare, compare_and_cancel
from tests.chaos.gallery_sight import choose_gallery, choose_logs
from tests.chaos.machines import LOSSES
from tests.chaos.painting import paint, paint_publicly
from tests.chaos.places import leave_new_servers
from tests.chaos.refusing import GONE, Closed, refusals
from tests.chaos.settling import is_begun, settled
from tests.chaos.stage import PATIENCE_S, Stage, StuckError, until
from tests.chaos.trouble import TROUBLES, full_disk

AT_RANDOM = ""
KILLED = -9
EACH = 5  # rounds that every failpoint gets at least
_NOT_REACHED_S = 6.0
_LATE = ("gallery", "news", "maker", "weekly", "painted")
_WHILE_DRAWING = (
    "job_accepted", "job_running", "drawing_entered", "picture_file_written", "picture_stored",
    "delivery_begins", "delivered_unmarked", "cancelled_unanswered",
)  # fmt: skip
_SLOTS = (1, 1, 3)  # pictures that a device draws at once
_LATE_S = 25.0  # what comes after a picture was drawn, starred and posted


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`failpoint` (AT_RANDOM: any moment), at its `nth` passage. `again`: the bot that comes after
    is killed too, at a random moment. `trouble`: not killed at all, but put into this. `refused`:
    a destination and what it answers to everything. `loss`: what happens to a machine that
    draws, see `machines.LOSSES`. `calm`: moderators do nothing unless the failpoint needs them."""

    failpoint: str = AT_RANDOM
    nth: int = 1
    again: bool = False
    trouble: str = ""
    refused: str = ""
    loss: str = ""
    calm: bool = False


@dataclass
class Tally:
    """What happened in all rounds. `kills` by failpoint; `missed`: it was not passed."""

    rounds: int = 0
    kills: Counter[str] = field(default_factory=Counter[str])
    missed: Counter[str] = field(default_factory=Counter[str])
    troubles: Counter[str] = field(default_factory=Counter[str])
    refusals: Counter[str] = field(default_factory=Counter[str])
    losses: Counter[str] = field(default_factory=Counter[str])
    refused_requests: int = 0
    recoveries_s: list[float] = field(default_factory=list[float])
    stops_s: list[float] = field(default_factory=list[float])


def plans(count: int, dice: random.Random) -> list[Plan]:
    """`count` kills: every failpoint `EACH` times (less where `count` is small), the rest at random
    moments. Beside them every trouble, once in a hundred; and once in six rounds a destination that
    refuses everything."""
    names = failpoints.names()
    each = min(EACH, max(1, count * 9 // (10 * len(names)))) if count else 0
    made = [
        Plan(failpoint=name, nth=1 if number == 0 else dice.choice((1, 1, 2, 3)),
             again=dice.random() < 0.2)
        for name in names
        for number in range(each)
    ]  # fmt: skip
    made = made[:count]
    made += [Plan(failpoint=AT_RANDOM, again=dice.random() < 0.3) for _ in range(count - len(made))]
    made += [Plan(trouble=name) for name in TROUBLES for _ in range(count // 100)]
    made += [Plan(refused=pair, again=dice.random() < 0.5) for pair in refusals(count // 6, dice)]
    dice.shuffle(made)
    return made


def host_plans(count: int, dice: random.Random) -> list[Plan]:
    """`count` rounds with other machines: half of them lose one, half the bot, at those failpoints
    that have to do with drawing and at random moments."""
    losses = [Plan(loss=name) for name in LOSSES]
    kills = [Plan(failpoint=name) for name in _WHILE_DRAWING] + [Plan()]
    dice.shuffle(losses)
    dice.shuffle(kills)
    both = zip(itertools.cycle(losses), itertools.cycle(kills), strict=False)
    return list(itertools.islice(itertools.chain.from_iterable(both), count))


async def play(stage: Stage, activity: Activity, plan: Plan, tally: Tally) -> Report:
    """One round and its count. StuckError where something never happened."""
    stage.slots = activity.random.choice(_SLOTS)
    if plan.trouble:
        return await _play_trouble(stage, activity, plan, tally)
    if plan.refused:
        return await _play_refusal(stage, activity, plan, tally)
    if plan.loss:
        return await _play_loss(stage, activity, plan, tally)
    dice = activity.random
    tally.rounds += 1
    if plan.failpoint in {"commands_synced", AT_RANDOM} and stage.has_database:
        await stage.execute("DELETE FROM notes WHERE key = 'command_tree'")
    await _set_up(stage, activity)
    armed = f"{plan.failpoint}:{plan.nth}" if plan.failpoint else ""
    bot = await stage.start(failpoint=armed)
    people = asyncio.create_task(_visit(stage, activity, plan))
    if plan.failpoint:
        within_s = _LATE_S if plan.failpoint.startswith(_LATE) else _NOT_REACHED_S
        with suppress(TimeoutError):
            await bot.end(within_s + stage.slow_s + stage.spare_s)
    else:
        await asyncio.sleep(dice.uniform(0.0, 1.2) + dice.uniform(0.0, stage.slow_s / 3))
    reached = not bot.alive
    status = await bot.kill()
    if status != KILLED:
        raise StuckError(f"the bot to be killed; it ended with {status}")
    await people
    tally.kills[plan.failpoint] += reached or not plan.failpoint
    tally.missed[plan.failpoint] += not reached and bool(plan.failpoint)
    _meanwhile(stage, activity)
    if plan.again:
        await stage.start(wait=False)
        await asyncio.sleep(dice.uniform(0.02, 0.5))
        assert stage.bot is not None
        await stage.bot.kill()
    return await _recovered(stage, activity, tally)


async def _set_up(stage: Stage, activity: Activity) -> None:
    """What moderators chose, as it is before each round."""
    if stage.machines is not None:
        stage.machines.complete()
    if not stage.has_database or stage.has_disk:
        return
    await stage.execute(
        "INSERT INTO guild_settings (guild_id, review) VALUES (?, 1)"
        " ON CONFLICT (guild_id) DO UPDATE SET review = 1",
        IDS.guild,
    )
    await choose_gallery(stage)
    await choose_logs(stage)
    await errands.pardon(activity)
    leave_new_servers(stage.world)


async def _play_refusal(stage: Stage, activity: Activity, plan: Plan, tally: Tally) -> Report:
    """One destination refuses everything. The others get theirs; it does once it is repaired."""
    tally.rounds += 1
    tally.refusals[plan.refused] += 1
    await _set_up(stage, activity)
    bot = await stage.start()
    closed = Closed(stage, plan.refused)
    await asyncio.gather(_visit(stage, activity, plan), *(each(activity) for each in _TOLD))
    await closed.others_told()
    wrong = closed.refused_rows()
    tally.refused_requests += closed.asked
    if plan.again:
        await (bot.kill() if activity.random.random() < 0.5 else stage.stop())
    closed.repair()
    if plan.again:
        await stage.start()
    elif not closed.wake():
        await stage.stop()
        await stage.start()
    await stage.quiet(patience_s=PATIENCE_S + 60)
    await closed.emptied(activity)
    report = await _judged(stage, activity, tally)
    report.complaints += wrong
    return report


async def _play_trouble(stage: Stage, activity: Activity, plan: Plan, tally: Tally) -> Report:
    """A bot that is not killed gets over trouble by itself, without a restart."""
    tally.rounds += 1
    tally.troubles[plan.trouble] += 1
    await stage.start()
    trouble = full_disk if plan.trouble == "full_disk" else TROUBLES[plan.trouble]
    await asyncio.gather(_visit(stage, activity, plan), trouble(stage, activity.random))
    stage.loopback.faults.clear()
    await stage.quiet(patience_s=PATIENCE_S + 60)
    return await _judged(stage, activity, tally)


async def _play_loss(stage: Stage, activity: Activity, plan: Plan, tally: Tally) -> Report:
    """A machine is lost while it draws. Others draw its picture, or it does later."""
    tally.rounds += 1
    await _set_up(stage, activity)
    await stage.start()
    machines = stage.machines
    assert machines is not None
    people = asyncio.create_task(_visit(stage, activity, plan))
    host = await machines.one_that_draws()
    if host is None:
        raise StuckError("a machine to draw")
    await LOSSES[plan.loss](machines, host, activity.random)
    tally.losses[plan.loss] += 1
    await people
    machines.complete()
    await stage.quiet()
    return await _judged(stage, activity, tally)


async def _recovered(stage: Stage, activity: Activity, tally: Tally) -> Report:
    """An undisturbed bot repairs everything, and ends when asked to."""
    began = time.monotonic()
    await stage.start()
    await stage.quiet(patience_s=PATIENCE_S)
    return await _judged(stage, activity, tally, began=began)


async def _judged(
    stage: Stage, activity: Activity, tally: Tally, *, began: float | None = None
) -> Report:
    """Wait, stop the bot, look at everything. What it began in the last moment, as it compares its
    galleries with Discord after a start, is in its outbox: then once more. `began`: when a bot was
    started to make everything good."""
    await settled(stage, activity)
    if began is not None:
        tally.recoveries_s.append(time.monotonic() - began)
    tally.stops_s.append(await stage.stop())
    report = audit(stage, activity)
    if report.complaints and is_begun(stage):
        await stage.start()
        await stage.quiet(patience_s=PATIENCE_S)
        await settled(stage, activity)
        tally.stops_s.append(await stage.stop())
        report = audit(stage, activity)
    return report


def _meanwhile(stage: Stage, activity: Activity) -> None:
    """What may happen while no bot runs."""
    dice = activity.random
    if dice.random() < 0.15:  # interaction tokens are over
        stage.world.advance(limits.TOKEN_LIFETIME_S + 1)


async def _visit(stage: Stage, activity: Activity, plan: Plan) -> None:
    """What people do in a round; everything is done by some, and all at once."""
    name = plan.failpoint
    await until(lambda: stage.world.commands or not stage.alive, "the commands to be there")
    if not stage.alive:
        return
    dice = activity.random
    doing: list[Coroutine[Any, Any, Any]] = [activity.imagine() for _ in range(dice.randint(1, 3))]
    if "cancel" in name or "abandon" in name or dice.random() < 0.6:
        doing += [requesting.imagine_and_cancel(activity, after_s=dice.choice((0.0, 0.05, 0.3)))
                  for _ in range(plan.nth)]  # fmt: skip
    deletes = name == "new_message_begins" or dice.random() < 0.3
    # Only a new message can follow one that was deleted. Where its channel is gone, too, those
    # pictures stay in /history.
    if deletes and plan.refused != f"general {GONE}":
        doing += [_deleted_under(activity) for _ in range(plan.nth)]
    if name == "deferred" or (not plan.trouble and not name and dice.random() < 0.1):
        doing.append(_slow_disk(stage))
    for chance, action, needed_by in (
        (0.4, _meddled, ""),
        (0.6, requesting.draw_again, ""),
        (0.2, _from_upload, "upload_written"),
        (0.2, requesting.redraw, "upload_written"),
        (0.25, compare, ""),
        (0.15, compare_and_cancel, ""),
        (0.25, paint, ""),
        (0.0, paint_publicly, "painted_unshown painted_shown_unmarked"),
        (0.2, personal.favour, "favourite_marked"),
        (0.2, personal.erase, ""),
        (0.1, errands.erased, "job_deleted message_removed_unmarked"),
        (0.1, errands.elsewhere, "log_posted_unmarked"),
        (0.1, errands.announce, "announced_unmarked"),
        (0.05, errands.joined, "greeted_unmarked"),
        (0.1, errands.week_ends, "weekly_report_put weekly_told_unmarked"),
        (0.05, errands.block, "person_blocked"),
        (0.05, errands.block_maker, "report_maker_blocked"),
        (0.2, _red, "withheld_file_written"),
        (0.2, _reviewed, "release_file_written picture_released withheld_discarded"),
        (0.2, _reported, "picture_reported report_decided reporter_told_unmarked"),
        (0.3, starring.share, "gallery_shared gallery_post_begun gallery_post_unmarked"),
        (0.3, starring.star, "gallery_starred"),
        (0.1, starring.want_news, "news_begun maker_told_unmarked"),
        (0.2, starring.star_and_think_again, "gallery_post_taken"),
        (0.1, personal.leave, "person_marked person_forgotten"),
        (0.1, personal.settle_in, "preset_saved defaults_saved"),
    ):
        if name and name in needed_by.split():
            doing += [action(activity) for _ in range(plan.nth)]
        elif action is paint and plan.refused.endswith(f" {GONE}"):
            continue  # as above: its job is first shown in a new message
        elif plan.calm and action in {_reviewed, _reported, errands.block, errands.block_maker}:
            continue
        elif dice.random() < chance:
            doing.append(action(activity))
    await asyncio.gather(*doing)


async def _deleted_under(activity: Activity) -> None:
    request = await activity.imagine(private=False, count=3, channel_id=IDS.general)
    await requesting.delete_waiting(activity, request)


async def _meddled(activity: Activity) -> None:
    request = await activity.imagine(private=False)
    await requesting.meddle(activity, request)


async def _red(activity: Activity) -> None:
    await activity.imagine(colours=RED, count=1, channel_id=IDS.general, private=False)


async def _reviewed(activity: Activity) -> None:
    await _red(activity)
    for _ in range(4):
        await asyncio.sleep(0.3)
        await moderating.review(activity)


async def _reported(activity: Activity) -> None:
    for _ in range(3):
        await moderating.report(activity)
        await asyncio.sleep(0.3)


async def _from_upload(activity: Activity) -> None:
    await activity.imagine(upload=True)


async def _slow_disk(stage: Stage) -> None:
    """The database is busy for longer than a first response may wait."""
    async with stage.locked():
        await asyncio.sleep(1.8)


_TOLD = (_reported, starring.share, errands.erased, errands.elsewhere, errands.announce)
"""Of each of these somebody is told in the background."""

"""What people do of which the bot tells others in the background."""

import asyncio
import time
from contextlib import suppress

from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.errors import ApiError, RefusedByClient
from bot.playground.simulator.world import Message
from tests.chaos import moderating, personal, starring
from tests.chaos.activity import RED, Activity, Announcement
from tests.chaos.places import OTHER_ART, TROUBLEMAKER, invite
from tests.chaos.sight import custom_ids
from tests.chaos.stage import until


async def announce(activity: Activity) -> None:
    """The owner tells something to those who wait."""
    waiting = [activity.imagine(count=3, colours="apple") for _ in range(3)]
    await asyncio.gather(_announced(activity), *waiting)


async def _announced(activity: Activity) -> None:
    await asyncio.sleep(0.15)
    mark = activity.mark()
    made = await activity.command(IDS.owner, "owner announce", {"words": mark})
    activity.announcements.append(Announcement(mark=mark, interaction=made))


async def joined(activity: Activity) -> None:
    """A server invites the bot. One of which it hears only as it connects it was in already."""
    stage = activity.stage
    for _ in range(3):
        await until(lambda: stage.loopback.gateway.connected or not stage.alive, "the bot")
        if not stage.alive or await _greeted(activity, invite(stage.loopback)):
            return


async def _greeted(activity: Activity, guild_id: int) -> bool:
    """Whether the bot says something there soon."""
    world = activity.stage.world
    for _ in range(100):
        if not activity.stage.alive:
            break
        for channel in world.channels_of(guild_id):
            if any(world.messages_in(channel.id)):
                return True
        await asyncio.sleep(0.02)
    return False


async def elsewhere(activity: Activity) -> None:
    """In the other server a picture is withheld, of which its log tells."""
    await activity.imagine(colours=RED, count=1, channel_id=OTHER_ART, private=False)


async def erased(activity: Activity) -> None:
    """A public picture that its owner deletes at once."""
    if await starring.fresh(activity) is not None:
        await personal.erase(activity)


async def week_ends(activity: Activity) -> None:
    """The operator's weekly report is due, unless the last one still is."""
    stage, now = activity.stage, int(time.time())
    if stage.has_disk:  # which only the bots see
        return
    planned = "SELECT 1 FROM notes WHERE key = 'weekly_report'"
    await until(lambda: not stage.alive or stage.query(planned), "a report to be planned")
    due = next(each for each in range(now // 60 * 60, 0, -60) if each not in activity.weeks)
    async with stage.locked() as connection:
        changed = connection.execute(
            "UPDATE notes SET value = json_set(value, '$.until', ?1)"
            " WHERE key = 'weekly_report' AND json_extract(value, '$.until') > ?2",
            (due, now),
        )
        if changed.rowcount:
            activity.weeks.add(due)


async def block(activity: Activity) -> None:
    """A moderator blocks a person whose picture is waiting."""
    await activity.imagine(user_id=TROUBLEMAKER, private=False, count=3, channel_id=IDS.art)
    options = {"user": TROUBLEMAKER, "duration": "1h"}
    await activity.command(IDS.moderator, "moderate block", options)


async def block_maker(activity: Activity) -> None:
    """Somebody's picture is reported, and they are blocked for it."""
    fresh = await starring.fresh(activity, user_id=TROUBLEMAKER)
    if fresh is None:
        return
    actions = activity.stage.loopback.actions
    with suppress(ApiError, RefusedByClient):
        opened = actions.message_command(IDS.alice, "Report picture", fresh.id)
        await activity.answered(opened)
        if opened.modal is not None:
            sent = actions.submit_modal(IDS.alice, opened.id, {"reason": "odd"})
            await activity.answered(sent)
    await _block_reported(activity)


async def _block_reported(activity: Activity) -> None:
    """The queue has the oldest first: what others made stays, until it is theirs."""
    for _ in range(6):
        queue = await moderating.report_queue(activity)
        if queue is None:
            return
        theirs = f"<@{TROUBLEMAKER}>" in str(queue.embeds)
        found = _button(queue, "block" if theirs else "dismiss")
        if found is None:
            return
        if theirs:
            moderating.note_erased(activity, queue)
        pressed = await activity.press(IDS.moderator, queue, found)
        if pressed is not None and pressed.modal is not None:
            actions = activity.stage.loopback.actions
            with suppress(ApiError, RefusedByClient):
                fields = {"duration": "1h", "reason": "no"}
                await activity.answered(actions.submit_modal(IDS.moderator, pressed.id, fields))
            return


def _button(queue: Message, act: str) -> str | None:
    wanted = f"ekaki:report:{act}:"
    return next((each for each in custom_ids(queue.components) if each.startswith(wanted)), None)


async def pardon(activity: Activity) -> None:
    """Remove all blocks, even if the bot died in between."""
    await activity.stage.execute("DELETE FROM blocks")

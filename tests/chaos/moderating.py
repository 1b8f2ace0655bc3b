"""What moderators do: decide about reports, and about pictures that were withheld."""

import asyncio
import re
from contextlib import suppress

from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.errors import ApiError, RefusedByClient
from bot.playground.simulator.world import Message
from tests.chaos.activity import LEAVER, Activity, Erased
from tests.chaos.places import PEOPLE
from tests.chaos.sight import JOB_ID, custom_ids, posted_pictures


async def report(activity: Activity) -> None:
    """Report a picture; a moderator decides, and perhaps another at the same time."""
    found = [each for each, _ in activity.under_pictures("reroll") if each.ephemeral_for is None]
    public = [
        each
        for each in found
        if activity.stage.world.channel(each.channel_id).guild_id == IDS.guild
    ]
    if public:
        reporter = LEAVER if activity.random.random() < 0.1 else activity.random.choice(PEOPLE)
        actions, message = activity.stage.loopback.actions, activity.random.choice(public)
        try:
            opened = actions.message_command(reporter, "Report picture", message.id)
            await activity.answered(opened)
            if opened.modal is not None:
                sent = actions.submit_modal(reporter, opened.id, {"reason": "looks odd"})
                await activity.answered(sent)
        except (ApiError, RefusedByClient):  # gone or changed in this moment
            return
    queue = await report_queue(activity)
    if queue is not None:
        wanted = re.compile("ekaki:report:(dismiss|delete):.*")
        buttons = [each for each in custom_ids(queue.components) if wanted.fullmatch(each)]
        if buttons:
            custom_id = activity.random.choice(buttons)
            if ":delete:" in custom_id:
                note_erased(activity, queue)
            await activity.press(IDS.moderator, queue, custom_id)


async def report_queue(activity: Activity) -> Message | None:
    """What a moderator sees of it; the answer is a placeholder first."""
    asked = await activity.command(IDS.moderator, "moderate reports", {})
    for _ in range(int(activity.stage.answer_s / 0.01)):
        shown = activity.shown(asked)
        if shown is None or shown.embeds or shown.content or not activity.stage.alive:
            return shown
        await asyncio.sleep(0.01)
    return None


def note_erased(activity: Activity, queue: Message) -> None:
    """The job of the report that is shown may be deleted now, and what counts is what was
    posted of it. If the bot dies before, its row is there, and counts as any other."""
    named = re.search(rf"request `({JOB_ID})`", str(queue.embeds))
    if named is None:
        return
    # Killed before the answer, it was posted without ever having been acknowledged.
    owners = activity.stage.query("SELECT user_id FROM jobs WHERE id = ?", named[1])
    if not owners:  # its owner was faster
        return
    posted = posted_pictures(activity.stage).get(named[1], [])
    pictures = max((activity.counting(named[1], each) for each in posted), default=0)
    erased = Erased(user_id=owners[0]["user_id"], pictures=pictures)
    activity.erased.setdefault(named[1], erased)


async def review(activity: Activity) -> None:
    """A moderator releases a withheld picture, or deletes it."""
    asked = await activity.command(IDS.moderator, "moderate review", {}, channel=IDS.age_restricted)
    shown: Message | None = None
    for _ in range(100):  # the answer is a placeholder first
        shown = activity.shown(asked)
        if shown is None or shown.attachments or not activity.stage.alive:
            break
        await asyncio.sleep(0.01)
    buttons = [] if shown is None else custom_ids(shown.components)
    chosen = [each for each in buttons if ":next:" not in each]
    if shown is None or not chosen:
        return
    pressed = await activity.press(IDS.moderator, shown, activity.random.choice(chosen))
    if pressed is not None and pressed.modal is not None:
        actions = activity.stage.loopback.actions
        with suppress(ApiError, RefusedByClient):
            sent = actions.submit_modal(IDS.moderator, pressed.id, {"reason": "it is fine"})
            await activity.answered(sent)

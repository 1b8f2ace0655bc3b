"""What members do with requests that wait or are drawn: cancel, draw again, redraw."""

import asyncio

from bot.playground.simulator.errors import ApiError, RefusedByClient
from bot.playground.simulator.world import ChannelType
from pipeline.areas import Area
from tests.chaos.activity import Activity, ImagineRequest
from tests.chaos.places import PEOPLE
from tests.chaos.sight import job_of

DRAWING = ("reroll", "subtle", "strong", "upscale")  # buttons that start a new job


async def imagine_and_cancel(activity: Activity, *, after_s: float | None = None) -> None:
    """Ask, and cancel it."""
    request = await activity.imagine(count=3)
    await asyncio.sleep(activity.random.uniform(0.0, 0.4) if after_s is None else after_s)
    await cancel(activity, request)


async def cancel(activity: Activity, request: ImagineRequest) -> None:
    """Press Cancel under a message that waits or is being drawn."""
    message = activity.shown(request.interaction)
    job_id = None if message is None else job_of(message)
    if message is None or job_id is None:
        return
    activity.cancelled.add(job_id)
    await activity.press(request.user_id, message, f"ekaki:cancel:{job_id}")


async def meddle(activity: Activity, request: ImagineRequest) -> None:
    """Another person presses Cancel, which must have no effect."""
    message = activity.shown(request.interaction)
    job_id = None if message is None else job_of(message)
    if message is None or job_id is None or message.ephemeral_for is not None:
        return
    if activity.stage.world.channel(message.channel_id).type == ChannelType.DM:
        return
    other = next(each for each in PEOPLE if each != request.user_id)
    await activity.press(other, message, f"ekaki:cancel:{job_id}")


async def delete_waiting(activity: Activity, request: ImagineRequest) -> None:
    """A moderator deletes the message of a job, which then needs a new one."""
    message = activity.shown(request.interaction)
    if message is not None and message.ephemeral_for is None and job_of(message) is not None:
        activity.deleted.add(message.id)
        activity.stage.loopback.posting.delete(message)


async def draw_again(activity: Activity, *actions: str) -> None:
    """Press a button under old pictures that draws again, as anybody who sees them may."""
    # What was painted may not be repeated: two jobs of one link are told by their mask.
    painted = {f"ekaki:reroll:{each.job_id}" for each in activity.painted}
    found = activity.under_pictures("|".join(actions or DRAWING))
    found = [each for each in found if each[1] not in painted]
    if found:
        message, custom_id = activity.random.choice(found)
        await activity.press(activity.somebody(message), message, custom_id)


async def redraw(activity: Activity) -> None:
    """Redraw a part of some picture, by the form behind "More"."""
    found = activity.under_pictures("more")
    if not found:
        return
    message, _ = activity.random.choice(found)
    user_id = activity.somebody(message)
    opened = await activity.press_behind_more(user_id, message, "redraw")
    if opened is None or opened.modal is None:
        return
    area = activity.random.choice(list(Area))
    try:
        sent = activity.stage.loopback.actions.submit_modal(
            user_id, opened.id, {"area": [area.value]}
        )
    except (ApiError, RefusedByClient):  # gone or changed in this moment
        return
    await activity.answered(sent)

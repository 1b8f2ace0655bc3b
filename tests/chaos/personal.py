"""What members do with what is theirs: favourites, defaults, and deleting it."""

import asyncio

from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.forms import walk
from tests.chaos.activity import LEAVER, Activity, Erased
from tests.chaos.places import PEOPLE
from tests.chaos.sight import accepted_jobs, custom_ids


async def favour(activity: Activity) -> None:
    """Press Favourite behind "More" of some picture."""
    found = activity.under_pictures("more")
    if found:
        message, _ = activity.random.choice(found)
        await activity.press_behind_more(activity.somebody(message), message, "favourite")


async def erase(activity: Activity) -> None:
    """Delete a member's own pictures, and confirm."""
    accepted = accepted_jobs(activity.stage)
    for message, custom_id in reversed(activity.under_pictures("reroll")):
        job_id = custom_id.rpartition(":")[2]
        owner = accepted[job_id].user_id if job_id in accepted else 0
        if owner == activity.somebody(message, owner) and job_id not in activity.erased:
            break
    else:
        return
    asked = await activity.press_behind_more(owner, message, "delete")
    answer = None if asked is None else activity.shown(asked)
    if answer is None:
        return
    sure = [each for each in custom_ids(answer.components) if ":erase:" in each]
    if sure:
        pictures = activity.counting(job_id, message)
        activity.erased[job_id] = Erased(user_id=owner, pictures=pictures)
        await activity.press(owner, answer, sure[0])


async def leave(activity: Activity) -> None:
    """Draw something, then delete everything about the member."""
    await activity.imagine(user_id=LEAVER, private=False, channel_id=IDS.art)
    await asyncio.sleep(activity.random.uniform(0.0, 0.5))
    asked = await activity.command(LEAVER, "privacy delete", {})
    answer = activity.shown(asked)
    if answer is not None:
        await activity.press(LEAVER, answer, f"ekaki:privacy:delete:{LEAVER}")


async def settle_in(activity: Activity) -> None:
    """Choose defaults and save a preset."""
    user_id = activity.random.choice(PEOPLE)
    name = activity.mark()[:3]
    await activity.command(user_id, "preset save", {"name": name, "prompt": "apple"})
    panel = activity.shown(await activity.command(user_id, "me", {}))
    if panel is not None:
        menu = next(c for c in walk(panel.components) if c.get("custom_id") == "ekaki:me:preset")
        value = str(activity.random.choice(menu["options"])["value"])
        actions = activity.stage.loopback.actions
        await activity.answered(actions.select(user_id, panel.id, "ekaki:me:preset", [value]))

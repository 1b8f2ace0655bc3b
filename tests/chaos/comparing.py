"""People compare, and what they get: each value's picture, and one sheet of them."""

import asyncio
from typing import Final

from bot.playground.simulator.world import Attachment, Message
from tests.chaos import requesting
from tests.chaos.activity import CHOSEN, PUBLIC, RED, Activity, ImagineRequest
from tests.chaos.places import LORA, PEOPLE

COMPARED: Final = (
    ("cfg", ("4", "6"), ("CFG scale: 4", "CFG scale: 6")),
    ("cfg", ("3", "5", "8"), ("CFG scale: 3", "CFG scale: 5", "CFG scale: 8")),
    ("steps", ("5", "7", "9"), ("Steps: 5", "Steps: 7", "Steps: 9")),
    ("lora", ("none", LORA), ("", "Lora hashes")),
)
"""An option, values of it, and what the text of each picture says of them."""


async def compare(activity: Activity) -> ImagineRequest:
    """Ask for a comparison, and wait for the answer if one comes."""
    dice = activity.random
    option, values, says = dice.choice(COMPARED)
    user_id, mark = dice.choice(PEOPLE), activity.mark()
    colours = dice.choice(("apple",) * 4 + (CHOSEN, RED))
    options = {
        "prompt": f"{colours}, {mark}",
        "option": option,
        "values": " | ".join(values),
        "private": dice.random() < 0.3,
    }
    if dice.random() < 0.2:
        options["faces"] = True
    channel_id = dice.choice((*PUBLIC, activity.stage.world.dm_with(user_id).id))
    return await activity.ask(
        "compare", options, mark=mark, user_id=user_id, channel_id=channel_id, says=says
    )


async def compare_and_cancel(activity: Activity) -> None:
    """Ask, and cancel it."""
    request = await compare(activity)
    await asyncio.sleep(activity.random.uniform(0.0, 0.4))
    await requesting.cancel(activity, request)


def sheets(job_id: str, message: Message) -> list[Attachment]:
    """Of a comparison, in a message."""
    return [
        each for each in message.attachments if each.filename.startswith(f"ekaki-{job_id}-sheet.")
    ]

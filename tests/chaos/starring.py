"""What brings pictures into the gallery: members share and star them."""

import asyncio
from contextlib import suppress

from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.errors import ApiError, RefusedByClient
from bot.playground.simulator.world import Message
from tests.chaos.activity import Activity, buttons_of
from tests.chaos.gallery_sight import STAR
from tests.chaos.places import PEOPLE

_FRESH_S = 10.0  # for a picture of one's own


async def share(activity: Activity) -> None:
    """Draw a public picture and press Share behind its "More"."""
    message = await fresh(activity)
    if message is not None:
        await activity.press_behind_more(_requester_of(activity, message), message, "share")


async def star(activity: Activity, *, again: bool = False) -> None:
    """Draw a public picture; all star it. `again`: and remove the star."""
    message = await fresh(activity)
    if message is None:
        return
    for user_id in PEOPLE:
        _react(activity, user_id, message, add=True)
    if again:
        await _until_posted(activity, after=message.id)
        for user_id in PEOPLE:
            _react(activity, user_id, message, add=False)


async def want_news(activity: Activity) -> None:
    """All choose immediate messages about stars; then give some."""
    for user_id in PEOPLE:
        panel = activity.shown(await activity.command(user_id, "me", {}))
        if panel is not None:
            actions = activity.stage.loopback.actions
            await activity.answered(actions.select(user_id, panel.id, "ekaki:me:news", ["at_once"]))
    await star(activity)


async def star_and_think_again(activity: Activity) -> None:
    await star(activity, again=True)


async def _until_posted(activity: Activity, *, after: int) -> None:
    """Wait for something in the gallery channel that is newer than a message."""
    for _ in range(int(_FRESH_S / 0.02)):
        posted = [each.id for each in activity.stage.world.messages_in(IDS.gallery)]
        if not activity.stage.alive or max(posted, default=0) > after:
            return
        await asyncio.sleep(0.02)


async def fresh(activity: Activity, *, user_id: int | None = None) -> Message | None:
    """A new public picture, once it is there; None if the bot does not get that far."""
    request = await activity.imagine(
        user_id=user_id, private=False, count=1, channel_id=IDS.general, colours="apple"
    )  # what is withheld has no buttons
    for _ in range(int(_FRESH_S / 0.02)):
        message = activity.shown(request.interaction)
        if message is not None and buttons_of(message, "more"):
            return message
        if not activity.stage.alive:
            break
        await asyncio.sleep(0.02)
    return None


def _requester_of(activity: Activity, message: Message) -> int:
    """Who asked for what a message shows."""
    return next(
        request.user_id
        for request in activity.requests
        if request.interaction.response_message_id == message.id
    )


def _react(activity: Activity, user_id: int, message: Message, *, add: bool) -> None:
    with suppress(ApiError, RefusedByClient):  # just deleted
        activity.stage.loopback.actions.react(user_id, message.id, STAR, add=add)

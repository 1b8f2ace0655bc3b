"""What people do of which the bot tells others in the background."""

import asyncio
from contextlib import suppress

from bot.playground.simulator.default_world import IDS
from bot.playground.simulator.errors import ApiError, RefusedByClient
from bot.playground.simulator.world import Message
from tests.chaos.deeds import RED, Announcement, Deeds
from tests.chaos.places import OTHER_ART, TROUBLEMAKER, invite
from tests.chaos.sight import custom_ids
from tests.chaos.stage import until


async def announce(deeds: Deeds) -> None:
    """The owner tells something to those who wait."""
    waiting = [deeds.imagine(count=3, colours="apple") for _ in range(3)]
    await asyncio.gather(_announced(deeds), *waiting)


async def _announced(deeds: Deeds) -> None:
    await asyncio.sleep(0.15)
    mark = deeds.mark()
    made = await deeds.command(IDS.owner, "owner announce", {"words": mark})
    deeds.announcements.append(Announcement(mark=mark, interaction=made))


async def joined(deeds: Deeds) -> None:
    """A server invites the bot. One of which it hears only as it connects it was in already."""
    stage = deeds.stage
    for _ in range(3):
        await until(lambda: stage.loopback.gateway.connected or not stage.alive, "the bot")
        if not stage.alive or await _greeted(deeds, invite(stage.loopback)):
            return


async def _greeted(deeds: Deeds, guild_id: int) -> bool:
    """Whether the bot says something there soon."""
    world = deeds.stage.world
    for _ in range(100):
        if not deeds.stage.alive:
            break
        for channel in world.channels_of(guild_id):
            if any(world.messages_in(channel.id)):
                return True
        await asyncio.sleep(0.02)
    return False


async def elsewhere(deeds: Deeds) -> None:
    """In the other server a picture is withheld, of which its log tells."""
    await deeds.imagine(colours=RED, count=1, channel_id=OTHER_ART, private=False)


async def erased(deeds: Deeds) -> None:
    """A public picture that its owner deletes at once."""
    if await deeds.fresh() is not None:
        await deeds.erase()


async def block(deeds: Deeds) -> None:
    """A moderator blocks a person whose picture is waiting."""
    await deeds.imagine(user_id=TROUBLEMAKER, private=False, count=3, channel_id=IDS.art)
    options = {"user": TROUBLEMAKER, "duration": "1h"}
    await deeds.command(IDS.moderator, "moderate block", options)


async def block_maker(deeds: Deeds) -> None:
    """Somebody's picture is reported, and they are blocked for it."""
    fresh = await deeds.fresh(user_id=TROUBLEMAKER)
    if fresh is None:
        return
    actions = deeds.stage.loopback.actions
    with suppress(ApiError, RefusedByClient):
        opened = actions.message_command(IDS.alice, "Report picture", fresh.id)
        await deeds.answered(opened)
        if opened.modal is not None:
            sent = actions.submit_modal(IDS.alice, opened.id, {"reason": "odd"})
            await deeds.answered(sent)
    await _block_reported(deeds)


async def _block_reported(deeds: Deeds) -> None:
    """The queue has the oldest first: what others made stays, until it is theirs."""
    for _ in range(6):
        queue = await deeds.report_queue()
        if queue is None:
            return
        theirs = f"<@{TROUBLEMAKER}>" in str(queue.embeds)
        found = _button(queue, "block" if theirs else "dismiss")
        if found is None:
            return
        if theirs:
            deeds.note_erased(queue)
        pressed = await deeds.press(IDS.moderator, queue, found)
        if pressed is not None and pressed.modal is not None:
            actions = deeds.stage.loopback.actions
            with suppress(ApiError, RefusedByClient):
                fields = {"duration": "1h", "reason": "no"}
                await deeds.answered(actions.submit_modal(IDS.moderator, pressed.id, fields))
            return


def _button(queue: Message, act: str) -> str | None:
    wanted = f"ekaki:report:{act}:"
    return next((each for each in custom_ids(queue.components) if each.startswith(wanted)), None)


async def pardon(deeds: Deeds) -> None:
    """Remove all blocks, even if the bot died in between."""
    await deeds.stage.execute("DELETE FROM blocks")

"""Members at a real client, for tests of what a member can do: only what the client offers."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from bot.playground.simulator.default_world import IDS
from data.jobs.jobs import JobRecord
from tests.cogs.running import Discord, Running, running_bot
from tests.support.member import InteractionView, Member
from tests.support.patience import PATIENCE_S
from tests.support.views import MessageView


@asynccontextmanager
async def open_bot(place: Discord, **settings: Any) -> AsyncGenerator[Running]:
    """The bot with its commands known to the members' clients, and without limits by the hour."""
    values: dict[str, Any] = {"commands_known": True, "pictures_per_hour": 0}
    async with running_bot(place, **values | settings) as running:
        yield running


class Visitor:
    """One member."""

    def __init__(self, place: Discord, user_id: int) -> None:
        self.member = Member(place.loopback, user_id)

    async def imagine(self, prompt: str, **options: Any) -> MessageView:
        """`/imagine`, until it is accepted and shown."""
        return await self.answer("imagine", prompt=prompt, **options)

    async def draw(self, running: Running, prompt: str, **options: Any) -> JobRecord:
        """`/imagine`, to the end."""
        known = {job.id for job in await running.jobs()}
        await self.member.slash("imagine", {"prompt": prompt, **options}, channel=IDS.general)
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for job in await running.jobs():
                    if job.id not in known and job.delivery == "delivered":
                        return job
                await asyncio.sleep(0.01)

    async def press(self, message: MessageView, label: str) -> InteractionView:
        """A button of the message, or one behind its "More"."""
        try:
            self.member.message(message.id).button(label)
        except LookupError:
            message = await self.more(message)
        return await self.member.press(message, label)

    async def more(self, message: MessageView, picture: int | None = None) -> MessageView:
        """What opens behind "More", or behind the menu where `picture` (from 1) is chosen."""
        if picture is None:
            return await whole(await self.member.press(message, "More"))
        menu, *_ = self.member.message(message.id).selects
        chosen = menu["options"][picture - 1]["value"]
        return await whole(await self.member.select(message, menu["custom_id"], [chosen]))

    async def answer(self, command: str, channel: int = IDS.general, **options: Any) -> MessageView:
        """The whole answer to a command."""
        return await whole(await self.member.slash(command, options, channel=channel))


async def whole(sent: InteractionView) -> MessageView:
    """The answer, once it is no longer a placeholder; what was said beside the message that was
    used, if something was."""
    if sent.followups:
        return sent.followups[-1]
    return await sent.wait_for(lambda message: not message.loading)


def labels(message: MessageView) -> dict[str, bool]:
    """Buttons and whether they can be pressed."""
    return {str(b.get("label")): not b.get("disabled", False) for b in message.buttons}
